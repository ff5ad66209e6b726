import { expect, test } from '@jest/globals';
import { refuseShrunk } from '../src/refuseShrunk.js';
import type { Plan } from '../src/index.js';

const MB = 2 ** 20;
const plan: Plan = {
  plugins: [],
  techniques: [],
  quality: 'exact',
  peakBytes: 200 * MB,
  seconds: 1,
  limitBytes: 512 * MB,
  lines: [],
  alternatives: [],
};

test('a container whose limit has fallen below what a plan needs is told so, before the run begins', () => {
  expect(() => refuseShrunk(plan, 216 * MB)).toThrow(
    /planned for 512 MB takes about 228 MB; the memory limit is 216 MB.*open it again/s,
  );
});

test.each([undefined, 1024 * MB, 512 * MB, 240 * MB])('one with room for it is not: %j', (container) => {
  expect(() => refuseShrunk(plan, container)).not.toThrow();
  expect(() => refuseShrunk({ ...plan, limitBytes: undefined }, 96 * MB)).not.toThrow();
});
