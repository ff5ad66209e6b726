import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { CLIPTextModel } from '../../src/models/CLIPTextModel.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { StableDiffusionPipeline } from '../../src/pipelines/StableDiffusionPipeline.js';
import { StableDiffusionXLPipeline } from '../../src/pipelines/StableDiffusionXLPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { HeunDiscreteScheduler } from '../../src/schedulers/HeunDiscreteScheduler.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { PictureCall } from '../support/PictureCall.js';
import { replayRun } from '../support/replayRun.js';

const BASE = fixturePath('sdxl-tiny');
const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const SMALL = { width: 48, height: 40, numInferenceSteps: 2, seed: 1, outputType: 'latent' } as const;

let pipe: DiffusionPipeline;
let refiner: DiffusionPipeline;
let folder: string;

beforeAll(async () => {
  pipe = await DiffusionPipeline.fromPretrained(BASE, INLINE);
  folder = await mkdtemp(join(tmpdir(), 'thimble-refiner-'));
  await cp(fixturePath('sdxl-img2img/refiner'), folder, { recursive: true });
  for (const name of ['vae', 'text_encoder_2', 'tokenizer_2', 'scheduler'])
    await cp(join(BASE, name), join(folder, name), { recursive: true });
  refiner = await DiffusionPipeline.fromPretrained(folder, INLINE);
});
afterAll(async () => {
  await pipe.dispose();
  await refiner.dispose();
  await rm(folder, { recursive: true, force: true });
});

function failures(excess: Readonly<Record<string, number>>): readonly unknown[] {
  expect(Object.keys(excess)).not.toEqual([]);
  return Object.entries(excess).filter(([, times]) => !(times <= 1));
}

async function latentsOf(options: GenerateOptions, by: DiffusionPipeline = pipe, prompt = 'a hut'): Promise<Tensor> {
  return (await by.generate(prompt, { ...SMALL, ...options })).images as unknown as Tensor;
}

describe('computes what diffusers computes', () => {
  test.each([
    ['sd-prompts', ['sdxl.pipeline.embeds', 'sdxl.pipeline.sigmas']],
    ['textual-inversion', ['sdxl.pipeline.clip-skip-1']],
    ['sdxl-img2img', ['pipeline.base-end']],
  ])('%s', async (name, runs) => {
    const fixture = await FixtureCase.open(name);
    for (const run of runs) expect(failures(await replayRun(pipe, fixture, run))).toEqual([]);
  });

  test('the refiner, from where the base ended; its UNet, and the base between two shares', async () => {
    const fixture = await FixtureCase.open('sdxl-img2img');
    const unet = await refiner.unet.call(await fixture.inputs('refiner.unet.2x8x11.t199'));
    expect(await fixture.excess('refiner.unet.2x8x11.t199', 'sample', unet['sample']!)).toBeLessThanOrEqual(1);
    for (const [by, run] of [
      [refiner, 'pipeline.refiner-start'],
      [pipe, 'pipeline.window'],
    ] as const) {
      const { image: latents } = await fixture.inputs(run);
      expect(failures(await replayRun(by, fixture, run, { latents: latents!, image: undefined }))).toEqual([]);
    }
  });

  test('the refiner alone, from a picture', async () => {
    const call = new PictureCall(refiner, await FixtureCase.open('sdxl-img2img'), 'pipeline.refiner');
    const { 'draws left': left, ...excess } = await call.run();
    expect(left).toBe(0);
    expect(Object.keys(excess)).toEqual(expect.arrayContaining(['latents', 'image_u8']));
    expect(failures(excess)).toEqual([]);
  });

  test('embeddings of both encoders, with layers skipped', async () => {
    const fixture = await FixtureCase.open('textual-inversion');
    for (const [run, clipSkip] of [
      ['plain', 0],
      ['clip-skip-1', 1],
      ['clip-skip-2', 2],
    ] as const) {
      const name = `sdxl.prompt_embeds.${run}`;
      const given = new Map<string, Tensor>();
      using tap = pipe.hooks.beforeModelCall.tap('test', ({ component, inputs }) => {
        for (const key of component === 'unet' ? ['encoder_hidden_states', 'text_embeds'] : [])
          given.set(key, inputs[key]!);
      });
      void tap;
      await pipe.generate('a fox in the snow', { ...SMALL, negativePrompt: 'summer', numInferenceSteps: 1, clipSkip });
      for (const [key, output] of [
        ['encoder_hidden_states', 'prompt_embeds'],
        ['text_embeds', 'pooled_prompt_embeds'],
      ] as const) {
        const { dims, data } = given.get(key)!;
        const [one, half] = [[1, ...dims.slice(1)], data.length / 2];
        const part = (start: number): Tensor =>
          new Tensor('float32', (data as Float32Array).slice(start, start + half), one);
        expect(await fixture.excess(name, `negative_${output}`, part(0))).toBeLessThanOrEqual(1);
        expect(await fixture.excess(name, output, part(half))).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe('hooks', () => {
  test('both encoders are asked for prompt and negative prompt; no encoder for a negative prompt that is missing', async () => {
    const calls: string[] = [];
    using tap = pipe.hooks.encodePrompt.tap(
      'test',
      ({ component, negative, prompts }) => void calls.push(`${component} ${negative ? '-' : '+'} ${prompts.join()}`),
    );
    void tap;
    await latentsOf({ numInferenceSteps: 1, prompt2: 'oil', negativePrompt: 'fog', negativePrompt2: 'rain' });
    expect(calls.splice(0)).toEqual([
      'text_encoder + a hut',
      'text_encoder_2 + oil',
      'text_encoder - fog',
      'text_encoder_2 - rain',
    ]);
    await latentsOf({ numInferenceSteps: 1 });
    expect(calls.splice(0)).toEqual(['text_encoder + a hut', 'text_encoder_2 + a hut']);
    using other = refiner.hooks.encodePrompt.tap(
      'test',
      ({ component, negative }) => void calls.push(`${component} ${negative ? '-' : '+'}`),
    );
    void other;
    await latentsOf({ numInferenceSteps: 1 }, refiner);
    expect(calls).toEqual(['text_encoder_2 +', 'text_encoder_2 -']);
  });

  test('the sizes of the picture are what the UNet is told', async () => {
    const seen: number[][] = [];
    const options = {
      originalSize: [1, 2],
      cropsCoordsTopLeft: [3, 4],
      targetSize: [5, 6],
      negativeOriginalSize: [7, 8],
      negativeTargetSize: [9, 10],
      negativeCropsCoordsTopLeft: [11, 12],
    } as const;
    const record = ({ component, inputs }: { component: string; inputs: Record<string, Tensor> }): void => {
      if (component === 'unet') seen.push([...(inputs['time_ids']!.data as Float32Array)]);
    };
    using tap = pipe.hooks.beforeModelCall.tap('test', record);
    using other = refiner.hooks.beforeModelCall.tap('test', record);
    void [tap, other];
    const once = { numInferenceSteps: 1 };
    await latentsOf({ ...once });
    await latentsOf({ ...once, ...options });
    const { negativeCropsCoordsTopLeft: corner, ...uncropped } = options;
    void corner;
    await latentsOf({ ...once, ...uncropped });
    await latentsOf({ ...once, cropsCoordsTopLeft: [3, 4], negativeOriginalSize: [7, 8], aestheticScore: 7 }, refiner);
    expect(seen).toEqual([
      [40, 48, 0, 0, 40, 48, 40, 48, 0, 0, 40, 48],
      [7, 8, 11, 12, 9, 10, 1, 2, 3, 4, 5, 6],
      [7, 8, 0, 0, 9, 10, 1, 2, 3, 4, 5, 6],
      [7, 8, 0, 0, 2.5, 40, 48, 3, 4, 7],
    ]);
  });
});

describe('shares of the denoising', () => {
  test('two runs do what one does; the latents say how large the picture is', async () => {
    const whole = await latentsOf({ numInferenceSteps: 5 });
    const half = await latentsOf({ numInferenceSteps: 5, denoisingEnd: 0.6 });
    const { width, height, ...rest } = SMALL;
    void [width, height];
    const both = await pipe.generate('a hut', { ...rest, numInferenceSteps: 5, denoisingStart: 0.6, latents: half });
    expect(both.images).toEqual(whole);
  });

  test('a solver that calls the model twice a step begins with a whole step', async () => {
    const { scheduler } = pipe;
    pipe.scheduler = HeunDiscreteScheduler.fromConfig(scheduler.config);
    const steps = async (options: GenerateOptions): Promise<number[]> => {
      const seen: number[] = [];
      for await (const event of pipe.stream('a hut', { ...SMALL, numInferenceSteps: 5, ...options }))
        if (event.type === 'step') seen.push(event.timestep);
      return seen;
    };
    const all = await steps({});
    expect(all).toHaveLength(9);
    expect(await steps({ denoisingStart: 0.6, latents: await latentsOf({}) })).toEqual(all.slice(-5));
    pipe.scheduler = scheduler;
  });
});

const LATENTS = new Tensor('float32', new Float32Array(4 * 30), [1, 4, 5, 6]);
const EMBEDS = new Tensor('float32', new Float32Array(77 * 80), [1, 77, 80]);
const POOLED = new Tensor('float32', new Float32Array(40), [1, 40]);

describe('refuses', () => {
  test.each<[keyof GenerateOptions, GenerateOptions, string?]>([
    ['denoisingEnd', { denoisingStart: 0.8, denoisingEnd: 0.3, latents: LATENTS }],
    ['denoisingEnd', { denoisingEnd: 0 }],
    ['denoisingEnd', { denoisingEnd: 0.01 }],
    ['denoisingStart', { denoisingStart: 0.9999, latents: LATENTS }],
    ['denoisingStart', { denoisingStart: 0.5 }],
    ['latents', { latents: LATENTS, width: 64 }],
    ['originalSize', { originalSize: [512] as unknown as [number, number] }],
    ['originalSize', { originalSize: [512, 0] }],
    ['negativeOriginalSize', { negativeOriginalSize: [64, 64] }],
    ['negativeCropsCoordsTopLeft', { negativeCropsCoordsTopLeft: [1, 1] }],
    [
      'negativeCropsCoordsTopLeft',
      {
        negativeCropsCoordsTopLeft: [1, 1],
        negativeOriginalSize: [1, 1],
        negativeTargetSize: [1, 1],
        denoisingStart: 0.5,
        latents: LATENTS,
      },
    ],
    ['aestheticScore', { aestheticScore: 7 }],
    ['prompt2', { prompt2: ['a', 'b'] }],
    ['negativePrompt2', { negativePrompt2: 'fog' }],
    ['pooledPromptEmbeds', { promptEmbeds: EMBEDS }, ''],
    ['promptEmbeds', { pooledPromptEmbeds: POOLED }],
    ['negativePooledPromptEmbeds', { negativePromptEmbeds: EMBEDS }],
    ['prompt2', { promptEmbeds: EMBEDS, pooledPromptEmbeds: POOLED, prompt2: 'oil' }, ''],
    ['clipSkip', { clipSkip: 3 }],
  ])('%s of %j', async (argument, options, prompt = 'a hut') => {
    const { width, height, ...rest } = SMALL;
    const sides = options.latents === undefined ? { width, height } : {};
    await expect(pipe.generate(prompt, { ...rest, ...sides, ...options })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument },
    });
  });

  test.each<[keyof GenerateOptions, GenerateOptions]>([
    ['prompt2', { prompt2: 'oil' }],
    ['targetSize', { targetSize: [64, 64] }],
  ])('%s of a refiner', async (argument, options) => {
    await expect(latentsOf(options, refiner)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument },
    });
  });

  test('a hook that gives embeddings of one encoder alone other sizes, or no pooled ones', async () => {
    const set = (component: string, embeds: Tensor): Disposable =>
      pipe.hooks.encodePrompt.tap('test', (call) => {
        if (call.component === component) call.embeds = embeds;
      });
    {
      using tap = set('text_encoder', new Tensor('float32', new Float32Array(154 * 32), [1, 154, 32]));
      void tap;
      await expect(latentsOf({})).rejects.toMatchObject({
        code: 'ERR_ARGUMENT_INVALID',
        details: { argument: 'embeds' },
      });
    }
    using tap = set('text_encoder_2', new Tensor('float32', new Float32Array(77 * 48), [1, 77, 48]));
    void tap;
    await expect(latentsOf({})).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'pooled' },
    });
  });

  test('a checkpoint without its second encoder', async () => {
    await using partial = await DiffusionPipeline.fromPretrained(BASE, {
      ...INLINE,
      components: ['unet', 'text_encoder', 'tokenizer', 'scheduler'],
    });
    await expect(latentsOf({}, partial)).rejects.toMatchObject({
      code: 'ERR_COMPONENT_MISSING',
      details: { component: 'text_encoder_2' },
    });
  });
});

test('opens under its names: the class, and that of its refiner; others do not', async () => {
  await using opened = await StableDiffusionXLPipeline.fromPretrained(folder, INLINE);
  expect(opened.className).toBe('StableDiffusionXLImg2ImgPipeline');
  expect(pipe).toBeInstanceOf(StableDiffusionXLPipeline);
  await expect(StableDiffusionPipeline.fromPretrained(BASE)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
});

test('an encoder with projection opens by the class of those without', async () => {
  const { model } = await CLIPTextModel.fromPretrained(BASE, { subfolder: 'text_encoder_2' });
  expect(model.className).toBe('CLIPTextModelWithProjection');
  expect(model.text_projection).toBeDefined();
  await expect(CLIPTextModel.fromPretrained(BASE, { subfolder: 'vae' })).rejects.toThrow(
    'CLIPTextModel or CLIPTextModelWithProjection',
  );
});

test('latents are scaled by means and deviations of channels, where the VAE has them', async () => {
  const vae = join(folder, 'scaled');
  await cp(join(BASE, 'vae'), vae, { recursive: true });
  const config = JSON.parse(await readFile(join(vae, 'config.json'), 'utf8')) as Record<string, unknown>;
  const [means, deviations] = [
    [0.5, -1, 2, 0],
    [1.5, 2, 0.5, 3],
  ];
  await writeFile(
    join(vae, 'config.json'),
    JSON.stringify({ ...config, latents_mean: means, latents_std: deviations, scaling_factor: 0.5 }),
  );
  await using scaled = await DiffusionPipeline.fromPretrained(vae, INLINE);
  const latents = new Tensor(
    'float32',
    Float32Array.from({ length: 4 * 6 }, (_, i) => Math.sin(i)),
    [1, 4, 2, 3],
  );
  let z: Tensor | undefined;
  using tap = scaled.hooks.beforeDecode.tap('test', (call) => void (z = call.z));
  void tap;
  await scaled.decodeLatents(latents);
  const expected = Array.from(
    latents.data,
    (x, i) => (x * deviations[Math.floor(i / 6)]!) / 0.5 + means[Math.floor(i / 6)]!,
  );
  for (const [i, value] of expected.entries()) expect(z!.data[i]).toBeCloseTo(value, 5);
});
