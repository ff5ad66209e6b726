import { expect, test } from '@jest/globals';
import { Image } from '../../src/images/Image.js';
import { cropToMask } from '../../src/sampling/starts/cropToMask.js';
import { layOver } from '../../src/sampling/starts/layOver.js';
import { digest, pattern } from '../support/pattern.js';

type Box = readonly [left: number, top: number, right: number, bottom: number];

/** The size of the picture, the size of the run, the padding, the mask's box of level 200; the region, and digests of the picture and the mask. */
type Case = readonly [
  seed: number,
  own: readonly [number, number],
  run: readonly [number, number],
  padding: number,
  mask: Box,
  region: Box,
  image: string,
  maskDigest: string,
];

// By Pillow 13.0.0: region by the rules of diffusers' get_crop_region, then its crop resized and filled as _resize_and_fill does.
const CASES: readonly Case[] = [
  [2, [26, 56], [24, 16], 6, [13, 17, 16, 42], [0, 11, 26, 48], '356d67f5045d3d9a', '8816b21f0788155b'],
  [4, [28, 20], [64, 16], 6, [6, 2, 12, 12], [0, 0, 28, 18], '57adaa13791bf0b6', 'af3e48dcd109f82d'],
  [8, [72, 39], [40, 56], 10, [23, 30, 54, 33], [13, 0, 64, 39], 'fc707f114ea20ebc', 'f13f5c7ce3442432'],
  [13, [47, 25], [24, 32], 16, [39, 11, 41, 17], [23, 0, 47, 25], '6490743d349384ee', '50ca4780162f2eee'],
  [23, [24, 70], [64, 64], 11, [18, 4, 21, 51], [0, 0, 24, 62], '1d4523a296eafc87', '13aae8cc14381720'],
];

function boxMask(width: number, height: number, [left, top, right, bottom]: Box): Image {
  const data = new Uint8Array(width * height);
  for (let y = top; y < bottom; y++) data.fill(200, y * width + left, y * width + right);
  return new Image({ width, height, channels: 1, data });
}

test.each(CASES)('picture %i of %j at %j', async (seed, [w, h], [width, height], padding, box, region, image, mask) => {
  const parts = await cropToMask(pattern(w, h, 3, seed), boxMask(w, h, box), { width, height, padding });
  const { left, top } = parts.region;
  expect([left, top, left + parts.region.width, top + parts.region.height]).toEqual(region);
  expect([digest(parts.image.data), digest(parts.mask.data)]).toEqual([image, mask]);
});

test('the original is laid over with what its mask leaves of it', async () => {
  const mask = new Image({ width: 16, height: 16, channels: 1, data: Uint8Array.from({ length: 256 }, (_, i) => i) });
  const region = { left: 0, top: 0, width: 16, height: 16 };
  const { data } = await layOver(pattern(16, 16, 3, 5), { region, original: pattern(16, 16, 3, 2), mask });
  expect(digest(data)).toBe('62ecbb63a22d1bf4');
});
