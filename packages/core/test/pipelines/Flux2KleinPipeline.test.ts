import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { Image } from '../../src/images/Image.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { fittingSize } from '../../src/sampling/referenceImages.js';
import { flux2Mu } from '../../src/sampling/flux2Mu.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { PictureCall } from '../support/PictureCall.js';
import { copyWithIndex } from '../support/copyWithIndex.js';

let fixture: FixtureCase;
let distilled: DiffusionPipeline;
let base: DiffusionPipeline;
let remove: () => Promise<void>;
const INLINE = { deviceOptions: { inline: true, threads: 1 } };

beforeAll(async () => {
  fixture = await FixtureCase.open('flux2-klein-tiny');
  distilled = await DiffusionPipeline.fromPretrained(fixture.folder, INLINE);
  const copy = await copyWithIndex(fixture.folder, 'model_index.base.json');
  ({ remove } = copy);
  base = await DiffusionPipeline.fromPretrained(copy.folder, INLINE);
});
afterAll(async () => {
  await distilled.dispose();
  await base.dispose();
  await remove();
});

/** The pictures that a run looks at, which are recorded as [height, width, 3]. */
async function references(run: string): Promise<{ image?: Image[] }> {
  const inputs = Object.entries(await fixture.inputs(run)).filter(([name]) => name.startsWith('reference.'));
  if (inputs.length === 0) return {};
  const image = inputs.map(([, { data, dims }]) => {
    const [height, width] = dims as [number, number];
    return new Image({ width, height, channels: 3, data: data as Uint8Array });
  });
  return { image };
}

describe('computes what diffusers computes', () => {
  test.each([
    'distilled',
    'distilled-guidance-ignored',
    'default-length',
    'base-cfg',
    'batch',
    'per-prompt',
    'latent',
    'edit',
    'edit-size',
    'edit-two',
  ])('pipeline.%s: latents of each step, and bytes of the pictures', async (name) => {
    const run = `pipeline.${name}`;
    const pipe = fixture.call(run).args['is_distilled'] === true ? distilled : base;
    const excess = await new PictureCall(pipe, fixture, run).run({ ...(await references(run)), seed: undefined });
    expect(Object.keys(excess)).toEqual(expect.arrayContaining(['latents', name === 'latent' ? 'images' : 'image_u8']));
    expect(Object.entries(excess).filter(([key, times]) => key !== 'draws left' && !(times <= 1))).toEqual([]);
  });

  test('the shift of the noise levels, and the sizes of pictures to look at', async () => {
    const { args, out } = fixture.call('mu');
    const cases = args['cases'] as { image_seq_len: number; num_steps: number }[];
    const mu = cases.map(({ image_seq_len: tokens, num_steps: steps }) => flux2Mu(tokens, steps));
    expect(
      await fixture.excess('mu', 'mu', new Tensor('float32', Float32Array.from(mu), [mu.length])),
    ).toBeLessThanOrEqual(1);
    const sizes = fixture.call('reference_sizes').args['sizes'] as [number, number][];
    const recorded = (await fixture.tensor(fixture.call('reference_sizes').out['sizes']!.tensor)).data;
    for (const [i, [width, height]] of sizes.entries())
      expect(fittingSize({ width, height })).toEqual([Number(recorded[4 * i]), Number(recorded[4 * i + 1])]);
    expect(Object.keys(out)).toEqual(['mu']);
  });

  test('latents become pictures', async () => {
    const { latents } = await fixture.inputs('decode_latents.4x6');
    const { z } = await distilled.vae.invoke('denormalize', { latents: latents! });
    expect(await fixture.excess('decode_latents.4x6', 'z', z!)).toBeLessThanOrEqual(1);
    const images = await distilled.decodeLatents(z!);
    expect(images.map(({ width, height }) => [width, height])).toEqual([
      [48, 32],
      [48, 32],
    ]);
  });
});

describe('bad input', () => {
  const small = { width: 64, height: 64, numInferenceSteps: 1, maxSequenceLength: 40, textEncoderOutLayers: [1, 2, 4] };
  const picture = (width: number, height: number): Image =>
    new Image({ width, height, channels: 3, data: new Uint8Array(3 * width * height) });
  test.each([
    [{ negativePrompt: 'blurry' }, /negativePrompt/],
    [{ width: 72 }, /multiple of 16/],
    [{ textEncoderOutLayers: [9, 18, 27] }, /layers of the text encoder, which has 5/],
    [{ image: picture(60, 80) }, /at least 64 pixels/],
    [{ image: picture(64, 640) }, /at most 8 : 1/],
  ])('%#', async (options, text) => {
    await expect(distilled.generate('a hut', { ...small, ...options })).rejects.toThrow(text);
  });
});
