import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DiffusionPipeline, Image, type Plugin, type Tensor } from '@thimble/core';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { VaeSlicingPlugin } from '@thimble/plugin-vae-slicing';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';

const PLUGINS: readonly (readonly [string, () => Plugin])[] = [
  ['slicing', () => new VaeSlicingPlugin()],
  ['seamless tiling', () => new VaeTilingPlugin({ mode: 'seamless', budget: '1MB' })],
  ['model offloading', () => new ModelOffloadPlugin()],
  ['sequential offloading', () => new SequentialOffloadPlugin()],
];

const [width, height] = [64, 48];
const picture = (seed: number): Image =>
  new Image({ width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * seed) % 251) });
const maskImage = new Image({
  width,
  height,
  channels: 1,
  data: Uint8Array.from({ length: width * height }, (_, i) => (i % width < 32 ? 255 : 0)),
});

let pipe: DiffusionPipeline;
let before: readonly Tensor[];

beforeAll(async () => {
  pipe = await createTestPipeline();
  before = await runs();
}, 60_000);
afterAll(async () => {
  await pipe.dispose();
});

/** From two pictures, and from two pictures with a mask. */
async function runs(): Promise<readonly Tensor[]> {
  const settings = { image: [picture(3), picture(7)], numInferenceSteps: 2, strength: 0.5, seed: [1, 2] };
  const made: Tensor[] = [];
  for (const more of [{}, { maskImage }])
    made.push((await pipe.generate(['a', 'b'], { ...settings, ...more, outputType: 'tensor' })).images);
  return made;
}

test.each(PLUGINS)('pictures as input with %s are the same, and to the bit when it is removed', async (_, create) => {
  let encoded = 0;
  using tap = pipe.hooks.afterEncode.tap('test:encoded', () => void encoded++);
  void tap;
  const handle = await pipe.use(create());
  for (const [i, { data }] of (await runs()).entries()) {
    const off = (data as Float32Array).map((x, at) => Math.abs(x - (before[i]!.data as Float32Array)[at]!));
    expect(off.reduce((most, x) => Math.max(most, x), 0)).toBeLessThan(1e-4);
  }
  expect(encoded).toBe(2);
  await handle.remove();
  for (const [i, { data }] of (await runs()).entries()) expect(data).toEqual(before[i]!.data);
});

test('blended tiles encode by tiles, and leave nothing', async () => {
  const calls: readonly number[][] = [];
  using tap = pipe.hooks.beforeEncode.tap('test:tiles', ({ wrap }) => {
    wrap((next) => async (x) => {
      (calls as number[][]).push([...x.dims]);
      return next(x);
    });
  });
  void tap;
  const handle = await pipe.use(new VaeTilingPlugin({ mode: 'blend', tileSampleMinSize: 32 }));
  await runs();
  await handle.remove();
  for (const [i, { data }] of (await runs()).entries()) expect(data).toEqual(before[i]!.data);
  expect(calls.length).toBeGreaterThan(0);
});
