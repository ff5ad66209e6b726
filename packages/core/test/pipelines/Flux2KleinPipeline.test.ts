import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { Image } from '../../src/images/Image.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
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

const SMALL = {
  width: 64,
  height: 64,
  numInferenceSteps: 2,
  maxSequenceLength: 40,
  textEncoderOutLayers: [1, 2, 4],
  seed: 1,
} as const;

function picture(width: number, height: number, level = 128): Image {
  return new Image({ width, height, channels: 3, data: new Uint8Array(3 * width * height).fill(level) });
}

async function latentsOf(options: GenerateOptions): Promise<Tensor> {
  return (await distilled.generate('a hut', { ...SMALL, ...options, outputType: 'latent' })).images;
}

describe('pictures to begin with', () => {
  test('with a strength it is begun with, and has the size; without one it is looked at', async () => {
    const image = picture(80, 64);
    const size = { width: undefined, height: undefined };
    const steps: number[] = [];
    const options = { ...SMALL, ...size, numInferenceSteps: 4, image, strength: 0.5, outputType: 'latent' } as const;
    for await (const event of distilled.stream('a hut', options)) if (event.type === 'step') steps.push(event.timestep);
    expect(steps).toEqual(distilled.scheduler.timesteps.slice(2));
    const begun = await latentsOf({ ...size, image, strength: 0.5 });
    expect(begun.dims).toEqual([1, 8, 8, 10]);
    expect((await latentsOf({ ...size, image })).data).not.toEqual(begun.data);
  });

  test('a mask protects, and beside the picture others are looked at', async () => {
    const image = picture(64, 64);
    const half = Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 64 < 32 ? 255 : 0));
    const mask = (data: Uint8Array): Image => new Image({ width: 64, height: 64, channels: 1, data });
    const made = await latentsOf({ image, maskImage: mask(half) });
    const kept = await latentsOf({ image, maskImage: mask(half.map(() => 0)) });
    const columns = (tensor: Tensor, left: boolean): number[] =>
      [...(tensor.data as Float32Array)].filter((_, i) => i % 8 < 4 === left);
    expect(columns(made, false)).toEqual(columns(kept, false));
    expect(columns(made, true)).not.toEqual(columns(kept, true));
    const beside = await latentsOf({ image, maskImage: mask(half), imageReference: picture(64, 80, 30) });
    expect(columns(beside, false)).toEqual(columns(kept, false));
    expect(columns(beside, true)).not.toEqual(columns(made, true));
  });

  test('hooks are told which ones are encoded, and which of them are looked at', async () => {
    const told: unknown[] = [];
    using tap = distilled.hooks.beforeRun.tap('test', ({ pictures }) => void told.push(pictures));
    void tap;
    const image = picture(64, 64);
    const maskImage = new Image({ width: 64, height: 64, channels: 1, data: new Uint8Array(64 * 64).fill(255) });
    const imageReference = picture(64, 80, 30);
    for (const options of [{ image }, { image, strength: 0.5 }, { image, maskImage, imageReference }])
      await latentsOf(options);
    const square = { width: 64, height: 64 };
    expect(told).toEqual([
      [{ ...square, isReference: true }],
      [{ ...square, isReference: false }],
      [
        { width: 64, height: 80, isReference: true },
        { ...square, isReference: true },
      ],
    ]);
  });
});

test('previews are of what the tokens decode to', async () => {
  const sizes: number[][] = [];
  for await (const event of distilled.stream('a hut', { ...SMALL, numInferenceSteps: 1, previews: 'rgb' }))
    if (event.type === 'preview') sizes.push([event.images[0]!.width, event.images[0]!.height]);
  expect(sizes).toEqual([[8, 8]]);
});

test('a negative prompt has an effect with guidance; without it a warning tells that it has none', async () => {
  const warnings: string[] = [];
  const run = { ...SMALL, negativePrompt: 'blurry', guidanceScale: 4, outputType: 'latent' } as const;
  for await (const event of distilled.stream('a hut', run)) if (event.type === 'warning') warnings.push(event.message);
  expect(warnings).toEqual(['The negative prompt has no effect: guidance was distilled into the model.']);
  const withText = await base.generate('a hut', run);
  const without = await base.generate('a hut', { ...run, negativePrompt: '' });
  expect(withText.images.data).not.toEqual(without.images.data);
});

describe('bad input', () => {
  test.each<[GenerateOptions, RegExp]>([
    [{ width: 72 }, /multiple of 16: 16 pixels are one token, such as 64 or 80/],
    [{ textEncoderOutLayers: [9, 18, 27] }, /layers of the text encoder, which has 5/],
    [{ image: picture(60, 80) }, /image.*at least 64 pixels/],
    [{ imageReference: picture(64, 640) }, /imageReference.*at most 8 : 1/],
    [{ image: Array.from({ length: 11 }, () => picture(64, 64)) }, /11 pictures.*10 pictures to look at, at most/],
    [{ strength: 0.5 }, /picture beside it/],
    [{ previews: 'tiny' }, /AutoencoderTiny/],
  ])('%#', async (options, text) => {
    await expect(distilled.generate('a hut', { ...SMALL, ...options })).rejects.toThrow(text);
  });
});

test('refuses before anything is computed what the memory limit has no room for, with the tokens of what it looks at', async () => {
  const pipe = await DiffusionPipeline.fromPretrained(fixture.folder, { ...INLINE, memoryLimit: '96MB' });
  const latent = { numInferenceSteps: 1, outputType: 'latent', textEncoderOutLayers: [1, 2, 4] } as const;
  const largestSide = async (options: GenerateOptions): Promise<number> => {
    const error = await pipe
      .generate('a cat', { ...latent, width: 2048, height: 2048, ...options })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
      message: expect.stringMatching(/transformer.call at 2048×2048 takes about \d+ MB/),
    });
    return Number((error as { readonly details: { readonly largest: string } }).details.largest.split('×')[0]);
  };
  const data = new Uint8Array(3 * 512 ** 2);
  const image = new Image({ width: 512, height: 512, channels: 3, data });
  const alone = await largestSide({});
  expect(await largestSide({ imageReference: [image, image] })).toBeLessThan(alone);
  await pipe.dispose();
});
