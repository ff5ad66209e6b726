import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { inSteadyHeap } from '../src/inSteadyHeap.js';

const MB = 2 ** 20;

const BUILT = new URL('../dist/inSteadyHeap.js', import.meta.url).href;

/** Makes objects of which many outlive a collection, and gives how much larger V8's space for young objects is then, in bytes. */
const SCRIPT = `
import { getHeapSpaceStatistics } from 'node:v8';
import { inSteadyHeap } from ${JSON.stringify(BUILT)};
const young = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
const grown = async (kept) => {
  const before = young();
  for (let i = 0; i < 400_000; i++) kept.push({ i, text: String(i) });
  return young() - before;
};
const steady = await inSteadyHeap(async () => grown([]));
const fails = await inSteadyHeap(async () => { throw new Error('no'); }).catch((error) => error.message);
const results = await Promise.all([inSteadyHeap(async () => 1), inSteadyHeap(async () => 2)]);
console.log(JSON.stringify({ steady, fails, results, after: await grown([]) }));
`;

interface Outcome {
  readonly steady: number;
  readonly fails: string;
  readonly results: readonly number[];
  readonly after: number;
}

function run(...flags: string[]): Outcome {
  const args = [...flags, '--input-type=module', '--eval', SCRIPT];
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8', env: { PATH: process.env.PATH } }),
  ) as Outcome;
}

test("V8's space for young objects stays as it is while work goes on, and grows again after it", () => {
  const { steady, after, fails, results } = run();
  expect({ fails, results }).toEqual({ fails: 'no', results: [1, 2] });
  expect(steady).toBeLessThanOrEqual(4 * MB);
  expect(after).toBeGreaterThanOrEqual(16 * MB);
});

test('what a program says of it stands', () => {
  expect(run('--semi-space-growth-factor=2').steady).toBeGreaterThanOrEqual(16 * MB);
});

test('gives what the work gives', async () => {
  await expect(inSteadyHeap(async () => 'plan')).resolves.toBe('plan');
});
