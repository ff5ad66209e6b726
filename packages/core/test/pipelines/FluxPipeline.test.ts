import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Image } from '../../src/images/Image.js';
import { chunkFeedForward } from '../../src/graph/passes/chunkFeedForward.js';
import { AutoencoderTiny } from '../../src/models/AutoencoderTiny.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { FluxPipeline } from '../../src/pipelines/FluxPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { calculateShift } from '../../src/sampling/calculateShift.js';
import { packPatches, unpackPatches } from '../../src/sampling/gridTokens.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { copyCheckpoint } from '../support/copyCheckpoint.js';
import { PictureCall } from '../support/PictureCall.js';
import { replayRun } from '../support/replayRun.js';

const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const SMALL = { width: 64, height: 48, numInferenceSteps: 2, maxSequenceLength: 16, seed: 1 } as const;

let root: string;
let dev: FixtureCase;
let schnell: FixtureCase;
let devPipe: DiffusionPipeline;
let schnellPipe: DiffusionPipeline;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'thimble-flux-'));
  [dev, schnell] = [await FixtureCase.open('flux-tiny'), await FixtureCase.open('flux-schnell-tiny')];
  devPipe = await DiffusionPipeline.fromPretrained(dev.folder, INLINE);
  const preview_vae = await AutoencoderTiny.fromPretrained(fixturePath('taesd/tiny16'));
  // Under its name on the hub, by which the preset is known.
  const named = await copyCheckpoint(schnell.folder, join(root, 'FLUX.1-schnell'));
  schnellPipe = await DiffusionPipeline.fromPretrained(named, { ...INLINE, components: { preview_vae } });
});
afterAll(async () => {
  await devPipe.dispose();
  await schnellPipe.dispose();
  await rm(root, { recursive: true });
});

async function latentsOf(options: GenerateOptions, pipe = schnellPipe): Promise<Tensor> {
  const { images } = await pipe.generate('a hut', { ...SMALL, ...options, outputType: 'latent' });
  return images;
}

describe('computes what diffusers computes', () => {
  test.each([
    'guidance',
    'default-guidance',
    'default-length',
    'true-cfg',
    'prompt-2',
    'batch',
    'per-prompt',
    'latent',
    'schnell: schnell',
    'schnell: one-step',
    'schnell: true-cfg',
  ])('pipeline.%s: latents of each step, and bytes of the pictures', async (name) => {
    const run = `pipeline.${name.replace('schnell: ', '')}`;
    const [pipe, fixture] = name.startsWith('schnell: ') ? [schnellPipe, schnell] : [devPipe, dev];
    const excess = await new PictureCall(pipe, fixture, run, packPatches).run({ seed: undefined });
    expect(Object.keys(excess)).toEqual(expect.arrayContaining(['latents', name === 'latent' ? 'images' : 'image_u8']));
    expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
  });

  test.each([
    ['dev', 'guidance'],
    ['schnell', 'schnell'],
  ])('timesteps and float pixels of %s', async (model, name) => {
    const [pipe, fixture] = model === 'dev' ? [devPipe, dev] : [schnellPipe, schnell];
    // The seed of dev's run draws what torch draws.
    const drawn = model === 'dev' ? { latents: undefined, generator: undefined } : {};
    const excess = await replayRun(pipe, fixture, `pipeline.${name}`, drawn, packPatches);
    expect(Object.keys(excess)).toHaveLength(3);
    expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
  });

  test.each([
    ['dev', 'tokenizer'],
    ['dev', 'tokenizer_2'],
    ['schnell', 'tokenizer'],
    ['schnell', 'tokenizer_2'],
  ])("ids of %s's %s, and what the text encoder makes of them", async (model, name) => {
    const [pipe, fixture] = model === 'dev' ? [devPipe, dev] : [schnellPipe, schnell];
    const { prompts, max_length: maxLength } = fixture.call(name).args as { prompts: string[]; max_length: number };
    const { input_ids } = pipe.tokenizers[name]!.encode(prompts, { maxLength });
    expect(await fixture.excess(name, 'input_ids', input_ids)).toBe(0);
    const encoder = pipe.components[name.replace('tokenizer', 'text_encoder')]!;
    const { last_hidden_state, pooler_output } = await encoder.call({ input_ids });
    const [output, got] =
      name === 'tokenizer'
        ? (['pooled_prompt_embeds', pooler_output] as const)
        : (['prompt_embeds', last_hidden_state] as const);
    expect(await fixture.excess('encode_prompt', output, got!)).toBeLessThanOrEqual(1);
  });

  test('the shift of the noise levels, and tokens of latents', async () => {
    const { cases, ...config } = dev.call('mu').args as { cases: { image_seq_len: number }[] };
    const mu = cases.map(({ image_seq_len: tokens }) =>
      calculateShift(tokens, { ...config, use_dynamic_shifting: true })!,
    );
    expect(await dev.excess('mu', 'mu', new Tensor('float32', Float32Array.from(mu), [mu.length]))).toBeLessThanOrEqual(
      1,
    );
    expect(calculateShift(256, schnellPipe.scheduler.config)).toBeUndefined();
    const { latents } = await dev.inputs('pack');
    const packed = packPatches(latents!);
    expect(await dev.excess('pack', 'packed', packed)).toBe(0);
    const [, , height, width] = latents!.dims as [number, number, number, number];
    expect(unpackPatches(packed, height / 2, width / 2)).toEqual(latents);
  });
});

test('opens under the names of its tasks, with the steps that each of the two takes', () => {
  expect(devPipe.defaults).toMatchObject({ width: 1024, height: 1024, guidanceScale: 3.5, numInferenceSteps: 28 });
  expect([schnellPipe.preset, schnellPipe.defaults]).toMatchObject([
    'flux1-schnell',
    { guidanceScale: 0, numInferenceSteps: 4, maxSequenceLength: 512 },
  ]);
  expect(FluxPipeline.aliases).toEqual(['FluxImg2ImgPipeline', 'FluxInpaintPipeline']);
});

test('a block whose hidden features are computed in pieces gives what it gives as a whole', async () => {
  const whole = await latentsOf({ numInferenceSteps: 1 });
  const pieces: number[] = [];
  const tap = schnellPipe.hooks.transformGraph.tap('pieces', (graph) => {
    const chunked = chunkFeedForward(graph, 4096);
    if (graph.name.startsWith('single_transformer_blocks')) pieces.push(chunked.nodes.length - graph.nodes.length);
    return chunked;
  });
  const inPieces = await latentsOf({ numInferenceSteps: 1 });
  tap[Symbol.dispose]();
  expect(pieces.every((more) => more > 10)).toBe(true);
  expect(pieces.length).toBeGreaterThan(0);
  const off = (inPieces.data as Float32Array).map((value, i) => Math.abs(value - (whole.data[i] as number)));
  expect(Math.max(...off)).toBeLessThan(1e-5);
});

describe('begins with', () => {
  const image = new Tensor('float32', new Float32Array(3 * 48 * 64).fill(0.25), [1, 3, 48, 64]);
  const tensorOf = (level: (i: number) => number): Tensor =>
    new Tensor(
      'float32',
      Float32Array.from({ length: 48 * 64 }, (_, i) => level(i)),
      [1, 1, 48, 64],
    );

  test('a picture: its latents under the noise of the step that the strength says', async () => {
    const latents = new Tensor('float32', new Float32Array(16 * 6 * 8).fill(2), [1, 16, 6, 8]);
    const noise = new Tensor('float32', new Float32Array(16 * 6 * 8).fill(-1), [1, 16, 6, 8]);
    let first: Tensor | undefined;
    const tap = devPipe.hooks.beforeStep.tap('looks', ({ index, latents: given }) => {
      if (index === 0) first = given;
    });
    const options = { image: latents, latents: noise, strength: 0.5, numInferenceSteps: 4, seed: undefined };
    await latentsOf(options, devPipe);
    tap[Symbol.dispose]();
    // 12 tokens: mu 0.4587, and of 4 noise levels the third is the first that is done.
    const mu = calculateShift(12, devPipe.scheduler.config)!;
    const sigma = Math.exp(mu) / (Math.exp(mu) + 1 / 0.5 - 1);
    expect(first!.data[0]).toBeCloseTo((1 - sigma) * 2 - sigma, 5);
    const { dims } = await latentsOf({ image, strength: 0.5 });
    expect(dims).toEqual([1, 16, 6, 8]);
  });

  test('a picture and a mask: keeps what it protects, and makes the rest anew', async () => {
    const made = await latentsOf({ image, maskImage: tensorOf((i) => (i % 64 < 32 ? 1 : 0)) });
    const kept = await latentsOf({ image, maskImage: tensorOf(() => 0) });
    const columns = (tensor: Tensor, left: boolean): number[] =>
      [...(tensor.data as Float32Array)].filter((_, i) => i % 8 < 4 === left);
    expect(columns(made, false)).toEqual(columns(kept, false));
    expect(columns(made, true)).not.toEqual(columns(kept, true));
  });
});

test.each([
  ['rgb', 8, 6],
  ['tiny', 64, 48],
] as const)('previews, %s', async (previews, width, height) => {
  const shown: (readonly Image[])[] = [];
  for await (const event of schnellPipe.stream('a hut', { ...SMALL, previews, outputType: 'latent' }))
    if (event.type === 'preview') shown.push(event.images);
  expect(shown.map(([image]) => [image!.width, image!.height])).toEqual([
    [width, height],
    [width, height],
  ]);
});

describe('bad input', () => {
  test.each<[GenerateOptions, RegExp]>([
    [{ width: 72 }, /width.*multiple of 16: 16 pixels are one token, such as 64 or 80/],
    [{ height: 7 }, /height.*multiple of 16.*such as 16\./],
    [{ maxSequenceLength: 600 }, /maxSequenceLength.*512/],
    [{ strength: 0.5 }, /picture beside it/],
    [{ previews: 'tiny' }, /AutoencoderTiny/],
    [{ negativePrompt2: 'x' }, /negativePrompt beside it/],
    [{ promptEmbeds: new Tensor('float32', new Float32Array(32), [1, 1, 32]) }, /pooledPromptEmbeds/],
  ])('%#', async (options, text) => {
    const prompt = 'promptEmbeds' in options ? '' : 'a hut';
    await expect(devPipe.generate(prompt, { ...SMALL, ...options })).rejects.toThrow(text);
  });

  test('what has no effect, and a prompt over the limit, are told of', async () => {
    const codesOf = async (options: GenerateOptions): Promise<string[]> => {
      const codes: string[] = [];
      const small = { ...SMALL, numInferenceSteps: 1, outputType: 'latent' } as const;
      for await (const event of schnellPipe.stream('a hut by the sea', { ...small, ...options }))
        if (event.type === 'warning') codes.push(event.code);
      return codes;
    };
    expect(await codesOf({ negativePrompt: 'blurry' })).toEqual(['WARN_NEGATIVE_UNUSED']);
    expect(await codesOf({ trueCfgScale: 2, maxSequenceLength: 4 })).toEqual([
      'WARN_GUIDANCE_UNUSED',
      'WARN_PROMPT_TRUNCATED',
    ]);
    expect(await codesOf({ negativePrompt: 'blurry', trueCfgScale: 2 })).toEqual([]);
  });

  test('a tokenizer of another model is told of by the token that the text encoder lacks', async () => {
    const folder = await copyCheckpoint(schnell.folder, join(root, 'mixed'));
    await rm(join(folder, 'tokenizer'), { recursive: true });
    await cp(join(dev.folder, 'tokenizer'), join(folder, 'tokenizer'), { recursive: true });
    await using mixed = await DiffusionPipeline.fromPretrained(folder, INLINE);
    await expect(mixed.generate('a hut', SMALL)).rejects.toMatchObject({
      code: 'ERR_TOKENIZER_MISMATCH',
      details: { component: 'text_encoder', vocabulary: 1314 },
    });
  });

  test('a pipeline without one of its text encoders says which', async () => {
    await using alone = await DiffusionPipeline.fromPretrained(schnell.folder, {
      ...INLINE,
      components: ['transformer', 'vae', 'scheduler', 'text_encoder', 'tokenizer'],
    });
    await expect(alone.generate('a hut', SMALL)).rejects.toMatchObject({
      code: 'ERR_COMPONENT_MISSING',
      details: { component: 'text_encoder_2' },
    });
  });
});
