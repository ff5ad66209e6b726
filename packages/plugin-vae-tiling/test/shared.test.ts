import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Component, DiffusionPipeline } from '@thimble/core';
import { planSeamless, seamlessRows, type GroupStatistics } from '@thimble/core/plugin';
import { mosaicOf } from '../src/shared/mosaicOf.js';
import { TileDecoder } from '../src/shared/TileDecoder.js';
import { VaeTilingPlugin } from '../src/index.js';
import { distance, VaeFixture, wave } from './VaeFixture.js';

let pipe: DiffusionPipeline;
let vae: Component;

beforeEach(async () => {
  pipe = await (await VaeFixture.open()).pipeline('kl');
  vae = pipe.components['vae']!;
});
afterEach(async () => {
  await pipe.dispose();
});

test('a tile of the whole picture with its own statistics is the picture', async () => {
  const z = wave([1, 4, 12, 9]);
  const { sample } = await vae.decode({ z });
  const options = {
    component: vae,
    entry: 'decode',
    input: 'z',
    budget: 2 ** 20,
    spillType: 'float32',
    tempDir: undefined,
    signal: undefined,
    progress: () => undefined,
  } as const;
  let statistics: ReadonlyMap<string, GroupStatistics> = new Map();
  for await (const part of seamlessRows(z, await planSeamless(z, options), options, (found) => {
    statistics = found;
  }))
    expect(part.height).toBe(sample.dims[2]);
  await using decoder = new TileDecoder(vae, 'decode', 'z', statistics);
  expect(distance(await decoder.run(z, undefined), sample)).toBeLessThan(1e-5);
});

test('tiles with shared statistics are nearer to the whole than tiles with their own', async () => {
  const z = wave([1, 4, 40, 40]);
  const half = z.data as Float32Array;
  // Another tone in one corner: what a tile of its own would normalise away.
  for (let i = 0; i < half.length; i++) if (i % 40 < 20) half[i] = half[i]! * 3 + 2;
  const { sample } = await vae.decode({ z });
  const off: Record<string, number> = {};
  for (const mode of ['blend', 'shared'] as const) {
    const handle = await pipe.use(new VaeTilingPlugin({ mode, tileSampleMinSize: 64 }));
    const tiled = (await vae.decode({ z })).sample;
    off[mode] = Math.sqrt(
      (tiled.data as Float32Array).reduce(
        (sum, value, i) => sum + (value - (sample.data as Float32Array)[i]!) ** 2,
        0,
      ) / tiled.size,
    );
    await handle.remove();
  }
  expect(off['shared']).toBeLessThan(off['blend']! / 2);
  expect(await pipe.device.usage()).toMatchObject({ tensors: 0 });
});

test('encodes too', async () => {
  const x = wave([1, 3, 96, 80]);
  const { moments } = await vae.encode({ x });
  await pipe.use(new VaeTilingPlugin({ mode: 'shared', tileSampleMinSize: 64 }));
  expect((await vae.encode({ x })).moments.dims).toEqual(moments.dims);
});

test('a mosaic takes patches from edge to edge; a small picture stays as it is', () => {
  const x = wave([1, 2, 40, 8]);
  const mosaic = mosaicOf(x, 16, 8);
  expect(mosaic.dims).toEqual([1, 2, 16, 8]);
  expect(mosaic.data.slice(0, 64)).toEqual(x.data.slice(0, 64));
  expect(mosaic.data.slice(64, 128)).toEqual(x.data.slice(32 * 8, 40 * 8));
  expect(mosaicOf(wave([1, 2, 5, 7]), 16, 8).data).toEqual(wave([1, 2, 5, 7]).data);
});
