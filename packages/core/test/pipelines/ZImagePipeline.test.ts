import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { Image } from '../../src/images/Image.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { ZImagePipeline } from '../../src/pipelines/ZImagePipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { PictureCall } from '../support/PictureCall.js';
import { replayRun } from '../support/replayRun.js';

const SMALL = {
  width: 64,
  height: 48,
  numInferenceSteps: 2,
  guidanceScale: 0,
  maxSequenceLength: 48,
  seed: 1,
} as const;

let fixture: FixtureCase;
let pipe: DiffusionPipeline;
beforeAll(async () => {
  fixture = await FixtureCase.open('z-image-tiny');
  pipe = await DiffusionPipeline.fromPretrained(fixture.folder, { deviceOptions: { inline: true, threads: 1 } });
});
afterAll(async () => pipe.dispose());

async function latentsOf(options: GenerateOptions, prompt: string | string[] = 'a hut'): Promise<Tensor> {
  const { images } = await pipe.generate(prompt, { ...SMALL, ...options, outputType: 'latent' });
  return images;
}

/** The picture that a run began with, which is recorded as [height, width, 3]. */
async function pictureOf(run: string): Promise<Pick<GenerateOptions, 'image'>> {
  const { image_u8: bytes } = await fixture.inputs(run);
  if (bytes === undefined) return {};
  const [height, width] = bytes.dims as [number, number];
  return { image: new Image({ width, height, channels: 3, data: bytes.data as Uint8Array }) };
}

describe('computes what diffusers computes', () => {
  test.each([
    'turbo',
    'default-length',
    'cfg',
    'cfg-default',
    'cfg-one',
    'cfg-normalization',
    'cfg-normalization-half',
    'cfg-truncation',
    'batch',
    'batch-cfg',
    'per-prompt',
    'sigmas',
    'latent',
    'img2img',
    'img2img-cfg',
    'img2img-resized',
  ])('pipeline.%s: latents of each step, and bytes of the pictures', async (name) => {
    const run = `pipeline.${name}`;
    const excess = await new PictureCall(pipe, fixture, run).run({ ...(await pictureOf(run)), seed: undefined });
    expect(Object.keys(excess)).toEqual(expect.arrayContaining(['latents', name === 'latent' ? 'images' : 'image_u8']));
    expect(excess['draws left']).toBe(0);
    expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
  });

  test('timesteps and float pixels; a seed draws what torch draws', async () => {
    const excess = await replayRun(pipe, fixture, 'pipeline.turbo', { latents: undefined, generator: undefined });
    expect(Object.keys(excess)).toHaveLength(3);
    expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
  });
});

test('opens under the names of its tasks, and has 1024 pixels a side where nothing is said', async () => {
  await using opened = await ZImagePipeline.fromPretrained(fixturePath('z-image-tiny'));
  expect(opened.defaults).toMatchObject({ width: 1024, height: 1024, guidanceScale: 5, numInferenceSteps: 50 });
  expect(ZImagePipeline.aliases).toContain('ZImageImg2ImgPipeline');
});

test('embeddings in place of prompts, the negative ones of another length, are taken as they are', async () => {
  const { out } = fixture.call('encode_prompt');
  const embeds = async (name: string): Promise<Tensor> => {
    const { data, dims } = await fixture.tensor(out[`${name}.0`]!.tensor);
    return new Tensor('float32', data as Float32Array, [1, ...dims]);
  };
  const given = {
    promptEmbeds: await embeds('prompt_embeds'),
    negativePromptEmbeds: await embeds('negative_prompt_embeds'),
    guidanceScale: 3,
  };
  const [byText, byEmbeds] = [
    await latentsOf({ guidanceScale: 3 }, 'a red fox in the snow'),
    await latentsOf(given, ''),
  ];
  const off = (byEmbeds.data as Float32Array).map((value, i) => Math.abs(value - (byText.data[i] as number)));
  expect(Math.max(...off)).toBeLessThan(1e-4);
});

test('inpainting keeps what the mask protects, and makes the rest anew', async () => {
  const image = new Tensor('float32', new Float32Array(3 * 48 * 64).fill(0.25), [1, 3, 48, 64]);
  const halves = Float32Array.from({ length: 48 * 64 }, (_, i) => (i % 64 < 32 ? 1 : 0));
  const maskImage = new Tensor('float32', halves, [1, 1, 48, 64]);
  const [made, whole] = [
    await latentsOf({ image, maskImage, strength: 0.9 }),
    await latentsOf({ image, strength: 0.1 }),
  ];
  const black = new Tensor('float32', new Float32Array(48 * 64), [1, 1, 48, 64]);
  const kept = await latentsOf({ image, maskImage: black, strength: 0.9 });
  const columns = (tensor: Tensor, left: boolean): number[] =>
    [...(tensor.data as Float32Array)].filter((_, i) => i % 8 < 4 === left);
  expect(columns(made, false)).toEqual(columns(kept, false));
  expect(columns(made, true)).not.toEqual(columns(kept, true));
  expect(whole.dims).toEqual([1, 16, 6, 8]);
});

test('computing stays in float32 where bfloat16 weights make values that float16 does not have', async () => {
  const x = new Tensor('float32', new Float32Array(16 * 16).fill(1e6), [1, 16, 1, 4, 4]);
  const caption = new Tensor(
    'float32',
    Float32Array.from({ length: 3 * 32 }, (_, i) => Math.sin(i)),
    [3, 32],
  );
  const t = new Tensor('float32', Float32Array.of(0.5), [1]);
  const inputs = { x, t, 'cap_feats.0': caption };
  const large: number[] = [];
  const tap = pipe.hooks.afterSegment.tap('looks', async ({ outputs, segment, handle }) => {
    if (segment !== 'layers.1') return;
    const { data } = await handle.device.download(outputs!['out.x.0']!);
    large.push(Math.max(...(data as Float32Array).map(Math.abs)));
  });
  const { sample } = await pipe.transformer.call(inputs);
  tap[Symbol.dispose]();
  expect(large[0]).toBeGreaterThan(65504);
  expect((sample!.data as Float32Array).every(Number.isFinite)).toBe(true);
});

describe('bad input', () => {
  test.each<[GenerateOptions, RegExp]>([
    [{ width: 72 }, /width.*multiple of 16: 16 pixels are one patch, such as 64 or 80/],
    [{ strength: 0.5 }, /picture beside it/],
    [{ previews: 'tiny' }, /AutoencoderTiny/],
    [{ timesteps: [3] }, /timesteps/],
    [
      {
        negativePromptEmbeds: new Tensor('float32', new Float32Array(6), [2, 1, 3]),
        promptEmbeds: new Tensor('float32', new Float32Array(3), [1, 1, 3]),
      },
      /\[1, tokens, 3\]/,
    ],
  ])('%j', async (options, text) => {
    const prompt = 'promptEmbeds' in options ? '' : 'a hut';
    await expect(pipe.generate(prompt, { ...SMALL, ...options })).rejects.toThrow(text);
  });

  test('a negative prompt without guidance, and a prompt over the limit, are told of', async () => {
    const warnings: string[] = [];
    const long = { ...SMALL, maxSequenceLength: 12, negativePrompt: 'blurry', outputType: 'latent' } as const;
    for await (const event of pipe.stream('a small boat on a calm lake', long))
      if (event.type === 'warning') warnings.push(event.code);
    expect(warnings).toEqual(['WARN_NEGATIVE_UNUSED', 'WARN_PROMPT_TRUNCATED']);
  });

  test('sides that no patch fits, and captions that are not one for each sample', async () => {
    const x = new Tensor('float32', new Float32Array(16 * 15), [1, 16, 1, 3, 5]);
    const t = new Tensor('float32', Float32Array.of(0.5), [1]);
    const caption = new Tensor('float32', new Float32Array(32), [1, 32]);
    await expect(pipe.transformer.call({ x, t, 'cap_feats.0': caption })).rejects.toThrow(/multiples of 2/);
    const even = new Tensor('float32', new Float32Array(16 * 8), [2, 16, 1, 2, 2]);
    await expect(pipe.transformer.call({ x: even, t, 'cap_feats.0': caption })).rejects.toThrow(
      /2, one for each sample/,
    );
  });
});
