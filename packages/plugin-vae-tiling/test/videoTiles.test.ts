import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, Tensor } from '@thimble/core';
import { SafetensorsFile } from '@thimble/core/plugin';
import { VaeTilingPlugin } from '../src/index.js';
import { videoTiles } from '../src/tiles/videoTiles.js';

const FOLDER = fileURLToPath(new URL('../../core/test/fixtures/cogvideox-tiny', import.meta.url));
const MB = 2 ** 20;
let pipe: DiffusionPipeline | undefined;
afterEach(async () => pipe?.dispose());

interface Call {
  readonly name: string;
  readonly in: { readonly z: string };
  readonly out: {
    readonly sample: {
      readonly tensor: string;
      readonly shape: readonly number[];
      readonly atol: number;
      readonly rtol: number;
    };
  };
}

test('blended tiles of a video are those of diffusers, and gone with the plugin', async () => {
  const { calls } = JSON.parse(readFileSync(`${FOLDER}/case.json`, 'utf8')) as { calls: Call[] };
  const call = calls.find(({ name }) => name === 'vae.tiled.3x9x8') as Call;
  const tensors = await SafetensorsFile.open(`${FOLDER}/case.safetensors`);
  const z = new Tensor('float32', await tensors.readFloat32(call.in.z), tensors.tensors.get(call.in.z)!.shape);
  pipe = await DiffusionPipeline.fromPretrained(`${FOLDER}/vae`, { deviceOptions: { inline: true, threads: 1 } });
  const vae = pipe.components['vae']!;
  const before = (await vae.decode({ z })).sample;
  const plugin = await pipe.use(new VaeTilingPlugin());
  const { sample } = await vae.decode({ z });
  const { tensor, shape, atol, rtol } = call.out.sample;
  expect(sample.dims).toEqual(shape);
  const want = await tensors.readFloat32(tensor);
  expect(
    want.reduce(
      (worst, b, i) => Math.max(worst, Math.abs((sample.data as Float32Array)[i]! - b) / (atol + rtol * Math.abs(b))),
      0,
    ),
  ).toBeLessThanOrEqual(1);
  await plugin.remove();
  expect((await vae.decode({ z })).sample.data).toEqual(before.data);
});

describe('tiles under a memory limit', () => {
  const tiling = { height: 240, width: 360, overlapHeight: 1 / 6, overlapWidth: 1 / 5, frames: 9 };
  test.each([
    [undefined, 240, 360],
    [8192 * MB, 240, 360],
    [2048 * MB, 192, 280],
    [1024 * MB, 96, 200],
    [64 * MB, 48, 40],
  ])('of %s bytes: %dx%d', (memoryLimit, height, width) => {
    const [vertical, horizontal] = videoTiles({ tiling, scale: 8, widestChannels: 256, memoryLimit });
    expect([vertical.size, horizontal.size]).toEqual([height, width]);
  });
});
