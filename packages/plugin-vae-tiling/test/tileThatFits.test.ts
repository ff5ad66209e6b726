import { expect, test } from '@jest/globals';
import { tileThatFits } from '../src/tiles/tileThatFits.js';

const MB = 2 ** 20;
const SD = { sampleSize: 512, scale: 8, widestChannels: 256 };

test.each([
  [512 * 512, undefined, 512],
  [512 * 512, 4096 * MB, 512],
  [512 * 512, 512 * MB, 320],
  [512 * 512, 256 * MB, 192],
  [512 * 512, 192 * MB, 128],
  [512 * 512, 64 * MB, 128],
  [128 * 128, 192 * MB, 512],
  [2048 * 2048, 4096 * MB, 512],
])('%d pixels under a limit of %s bytes are cut into tiles of %d pixels', (pixels, memoryLimit, side) => {
  expect(tileThatFits({ ...SD, pixels, memoryLimit })).toBe(side);
});
