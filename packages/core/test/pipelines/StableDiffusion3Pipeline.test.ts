import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { StableDiffusion3Pipeline } from '../../src/pipelines/StableDiffusion3Pipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { PictureCall } from '../support/PictureCall.js';
import { replayRun } from '../support/replayRun.js';

const SMALL = {
  width: 64,
  height: 64,
  numInferenceSteps: 2,
  guidanceScale: 1,
  maxSequenceLength: 24,
  seed: 1,
} as const;
const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const WITHOUT_T5 = ['text_encoder', 'text_encoder_2', 'tokenizer', 'tokenizer_2', 'transformer', 'vae', 'scheduler'];

let fixture: FixtureCase;
let pipe: StableDiffusion3Pipeline;
let withoutT5: DiffusionPipeline;
beforeAll(async () => {
  fixture = await FixtureCase.open('sd3-tiny');
  pipe = await StableDiffusion3Pipeline.fromPretrained(fixture.folder, INLINE);
  withoutT5 = await DiffusionPipeline.fromPretrained(fixture.folder, { ...INLINE, components: WITHOUT_T5 });
});
afterAll(async () => {
  await pipe.dispose();
  await withoutT5.dispose();
});

async function latentsOf(options: GenerateOptions, prompt = 'a hut'): Promise<Tensor> {
  const { images } = await pipe.generate(prompt, { ...SMALL, ...options, outputType: 'latent' });
  return images;
}

describe('computes what diffusers computes', () => {
  test.each([
    'cfg',
    'cfg-default',
    'no-cfg',
    'default-length',
    'no-t5',
    'skip-layers',
    'skip-layers-default',
    'three-prompts',
    'clip-skip',
    'batch',
    'latent',
  ])('pipeline.%s: latents of each step, and bytes of the pictures', async (name) => {
    const run = `pipeline.${name}`;
    const opened = fixture.call(run).args['without_t5'] === true ? withoutT5 : pipe;
    const excess = await new PictureCall(opened, fixture, run).run({ seed: undefined });
    expect(Object.keys(excess)).toEqual(expect.arrayContaining(['latents', name === 'latent' ? 'images' : 'image_u8']));
    expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
  });

  test('timesteps and float pixels; a seed draws what torch draws', async () => {
    const excess = await replayRun(pipe, fixture, 'pipeline.cfg', { latents: undefined, generator: undefined });
    expect(Object.keys(excess)).toHaveLength(3);
    expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
  });
});

test("diffusers' defaults where nothing is said, and the model's own size", () => {
  expect(pipe.defaults).toMatchObject({ width: 128, height: 128, guidanceScale: 7, numInferenceSteps: 28 });
  expect(StableDiffusion3Pipeline.aliases).toContain('StableDiffusion3InpaintPipeline');
});

test('embeddings in place of prompts are taken as they are', async () => {
  const { out } = fixture.call('encode_prompt');
  const given = async (name: string): Promise<Tensor> => fixture.tensor(out[name]!.tensor);
  const embeds = {
    promptEmbeds: await given('prompt_embeds'),
    pooledPromptEmbeds: await given('pooled_prompt_embeds'),
    negativePromptEmbeds: await given('negative_prompt_embeds'),
    negativePooledPromptEmbeds: await given('negative_pooled_prompt_embeds'),
    guidanceScale: 4,
  };
  const byText = await latentsOf({ guidanceScale: 4, negativePrompt: 'blurry' }, 'a panda plays the guitar');
  const byEmbeds = await latentsOf(embeds, '');
  const off = (byEmbeds.data as Float32Array).map((value, i) => Math.abs(value - (byText.data[i] as number)));
  expect(Math.max(...off)).toBeLessThan(1e-4);
});

describe('pictures to begin with', () => {
  const image = new Tensor('float32', new Float32Array(3 * 48 * 64).fill(0.25), [1, 3, 48, 64]);
  const size = { width: undefined, height: undefined, numInferenceSteps: 3 };

  test('image to image begins under the noise of the step that its strength says', async () => {
    const steps: number[] = [];
    for await (const event of pipe.stream('a hut', { ...SMALL, ...size, image, outputType: 'latent' }))
      if (event.type === 'step') steps.push(event.timestep);
    // int(3 - 3 * 0.6) is 1: two of three steps.
    expect(steps).toEqual(pipe.scheduler.timesteps.slice(1));
    const [near, far] = [await latentsOf({ ...size, image, strength: 0.3 }), await latentsOf({ ...size, image })];
    expect(near.dims).toEqual([1, 16, 6, 8]);
    expect(near.data).not.toEqual(far.data);
  });

  test('inpainting keeps what the mask protects, and makes the rest anew', async () => {
    const mask = (of: (i: number) => number): Tensor =>
      new Tensor(
        'float32',
        Float32Array.from({ length: 48 * 64 }, (_, i) => of(i)),
        [1, 1, 48, 64],
      );
    const made = await latentsOf({ ...size, image, maskImage: mask((i) => (i % 64 < 32 ? 1 : 0)) });
    const kept = await latentsOf({ ...size, image, maskImage: mask(() => 0) });
    const columns = (tensor: Tensor, left: boolean): number[] =>
      [...(tensor.data as Float32Array)].filter((_, i) => i % 8 < 4 === left);
    expect(columns(made, false)).toEqual(columns(kept, false));
    expect(columns(made, true)).not.toEqual(columns(kept, true));
  });
});

test('rough previews are of the size of the latents', async () => {
  const sizes: number[][] = [];
  for await (const event of pipe.stream('a hut', { ...SMALL, numInferenceSteps: 1, previews: 'rgb' }))
    if (event.type === 'preview') sizes.push([event.images[0]!.width, event.images[0]!.height]);
  expect(sizes).toEqual([[8, 8]]);
});

describe('bad input', () => {
  test.each<[GenerateOptions, RegExp]>([
    [{ width: 72 }, /width.*multiple of 16: 16 pixels are one patch/],
    [{ width: 208 }, /at most 192/],
    [{ strength: 0.5 }, /picture beside it/],
    [{ timesteps: [3] }, /timesteps/],
    [{ skipGuidanceLayers: [4], guidanceScale: 4 }, /blocks from 0 to 3/],
    [{ skipGuidanceLayers: [1] }, /guidanceScale above 1/],
    [{ maxSequenceLength: 513 }, /from 1 to 512/],
    [{ clipSkip: 3 }, /at most 2/],
    [{ previews: 'tiny' }, /AutoencoderTiny/],
    [{ negativePrompt3: 'x' }, /negativePrompt beside it/],
    [{ prompt3: ['a', 'b'] }, /a list of 1 text/],
    [{ pooledPromptEmbeds: new Tensor('float32', new Float32Array(44), [1, 44]) }, /promptEmbeds/],
  ])('%#', async (options, text) => {
    await expect(pipe.generate('a hut', { ...SMALL, ...options })).rejects.toThrow(text);
  });

  test('a third prompt that nobody reads', async () => {
    await expect(withoutT5.generate('a hut', { ...SMALL, prompt3: 'x' })).rejects.toThrow(/without text_encoder_3/);
  });

  test('sides that no patch fits, or that the table of positions has not', async () => {
    const call = async (height: number, width: number): Promise<unknown> =>
      pipe.transformer.call({
        hidden_states: new Tensor('float32', new Float32Array(16 * height * width), [1, 16, height, width]),
        encoder_hidden_states: new Tensor('float32', new Float32Array(64), [1, 1, 64]),
        pooled_projections: new Tensor('float32', new Float32Array(44), [1, 44]),
        timestep: new Tensor('float32', Float32Array.of(5), [1]),
      });
    await expect(call(3, 4)).rejects.toThrow(/multiples of 2, 24 at most/);
    await expect(call(26, 4)).rejects.toThrow(/multiples of 2, 24 at most/);
  });

  test('a negative prompt without guidance, and a prompt over the limit, are told of', async () => {
    const warnings: string[] = [];
    const long = { ...SMALL, maxSequenceLength: 5, negativePrompt: 'blurry', outputType: 'latent' } as const;
    for await (const event of pipe.stream('a small boat on a calm lake', long))
      if (event.type === 'warning') warnings.push(event.code);
    expect(warnings).toEqual(['WARN_NEGATIVE_UNUSED', 'WARN_PROMPT_TRUNCATED']);
  });
});
