import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { FromPretrainedOptions } from '../../src/pipelines/FromPretrainedOptions.js';
import { presets } from '../../src/pipelines/presets.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import type { PipelineEvent } from '../../src/run/PipelineEvent.js';
import { fixturePath } from '../support/fixturePath.js';
import { type ChangedFiles, copyCheckpoint } from '../support/copyCheckpoint.js';

const SD = fixturePath('sd-tiny');
const SDXL = fixturePath('sdxl-tiny');
const LCM_UNET = fixturePath('lcm/unet');
const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const SMALL = { width: 32, height: 24, seed: 1, outputType: 'latent' } as const;
const TURBO = { numInferenceSteps: 1, guidanceScale: 0 };
const SDXL_TURBO: ChangedFiles = {
  'unet/config.json': { sample_size: 64 },
  'model_index.json': { scheduler: ['diffusers', 'EulerAncestralDiscreteScheduler'] },
  'scheduler/scheduler_config.json': { timestep_spacing: 'trailing' },
};

/** Those of models with flow matching are tested with their pipelines. */
const ofUnets = presets.filter(({ scheduler }) => !scheduler.name.startsWith('FlowMatch')).map(({ name }) => name);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'thimble-presets-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const open = async (folder: string, options: FromPretrainedOptions = {}): Promise<DiffusionPipeline> =>
  DiffusionPipeline.fromPretrained(folder, { ...INLINE, ...options });

async function eventsOf(pipe: DiffusionPipeline, options: GenerateOptions = {}): Promise<PipelineEvent[]> {
  const events: PipelineEvent[] = [];
  for await (const event of pipe.stream('a hut', { ...SMALL, ...options })) events.push(event);
  return events;
}

const latentsIn = (events: readonly PipelineEvent[]): unknown => {
  const last = events.at(-1);
  return last?.type === 'done' ? (last.result.images as unknown as { data: unknown }).data : undefined;
};

describe('a distilled checkpoint is known', () => {
  test.each<[by: string, base: string, name: string, changed: ChangedFiles, preset: string, defaults: object]>([
    ['its folder', SD, 'a/sd-turbo', {}, 'sd-turbo', TURBO],
    ['where the hub keeps it', SDXL, 'models--stabilityai--sdxl-turbo/snapshots/0123', {}, 'sdxl-turbo', TURBO],
    [
      '_name_or_path',
      SD,
      'b/mine',
      { 'model_index.json': { _name_or_path: '/data/patrick/sd-turbo/' } },
      'sd-turbo',
      TURBO,
    ],
    [
      '_name_or_path of its UNet',
      SD,
      'c/mine',
      { 'unet/config.json': { _name_or_path: '/c/hub/models--stabilityai--sd-turbo/snapshots/0123/unet' } },
      'sd-turbo',
      TURBO,
    ],
    ['its configs', SDXL, 'd/mine', SDXL_TURBO, 'sdxl-turbo', TURBO],
    [
      'a hub id with a revision',
      SD,
      'e/mine',
      { 'model_index.json': { _name_or_path: 'SimianLuo/LCM_Dreamshaper_v7' } },
      'lcm',
      { numInferenceSteps: 4, guidanceScale: 8.5 },
    ],
  ])('by %s', async (_, base, name, changed, preset, defaults) => {
    await using pipe = await open(await copyCheckpoint(base, join(root, name), changed));
    const { scheduler } = pipe;
    await using plain = await open(join(root, name), { preset: 'none' });
    expect([pipe.preset, plain.preset]).toEqual([preset, undefined]);
    expect(pipe.defaults).toEqual({ ...plain.defaults, ...defaults });
    // Its own scheduler is the one that it was published with.
    expect(scheduler.config).toEqual(plain.scheduler.config);
  });

  test.each<[string, ChangedFiles]>([
    ['f/sd-turbo-2-merge', {}],
    ['g/mine', { 'unet/config.json': { sample_size: 64 } }],
    ['h/mine', { ...SDXL_TURBO, 'unet/config.json': { sample_size: 128 } }],
  ])('and nothing else: %s', async (name, changed) => {
    await using pipe = await open(await copyCheckpoint(SDXL, join(root, name), changed));
    expect([pipe.preset, pipe.defaults['numInferenceSteps'], pipe.defaults['guidanceScale']]).toEqual([
      undefined,
      50,
      5,
    ]);
  });
});

test('FLUX.2 klein is known by its size and what its index says', () => {
  const configs = {
    pipeline: 'Flux2KleinPipeline',
    denoiser: { num_attention_heads: 24 },
    scheduler: {},
    distilled: true,
  };
  const known = (changed: object): string | undefined =>
    presets.find(({ saidBy }) => saidBy?.({ ...configs, ...changed }) === true)?.name;
  expect(known({})).toBe('flux2-klein');
  expect(known({ denoiser: { num_attention_heads: 32 } })).toBe('flux2-klein');
  for (const changed of [{ distilled: false }, { denoiser: { num_attention_heads: 4 } }, { pipeline: 'FluxPipeline' }])
    expect(known(changed)).toBeUndefined();
});

describe('a UNet in the place of another', () => {
  test('says by its own name and config what it is, and brings its scheduler', async () => {
    const named = await copyCheckpoint(join(SDXL, 'unet'), join(root, 'sdxl_lightning_4step_unet'));
    const lightning = await UNet2DConditionModel.fromPretrained(named);
    await using pipe = await open(SDXL, { components: { unet: lightning } });
    expect([pipe.preset, pipe.defaults]).toMatchObject([
      'sdxl-lightning-4step',
      { numInferenceSteps: 4, guidanceScale: 0 },
    ]);
    const { scheduler } = pipe;
    expect(scheduler.config).toMatchObject({ _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' });
    await using asked = await open(SDXL, { components: { unet: lightning }, scheduler: 'dpm' });
    expect([asked.preset, asked.scheduler.config._class_name]).toEqual([
      'sdxl-lightning-4step',
      'DPMSolverMultistepScheduler',
    ]);

    const lcm = await UNet2DConditionModel.fromPretrained(LCM_UNET);
    await using consistent = await open(SD, { components: { unet: lcm } });
    expect([consistent.preset, consistent.scheduler.config._class_name]).toEqual(['lcm', 'LCMScheduler']);
    const events = await eventsOf(consistent);
    expect(events[0]).toMatchObject({ message: '4 steps, guidance 8.5, LCMScheduler: preset for lcm' });
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(4);
  });

  test('may be a lone file in the names of diffusers, over a base', async () => {
    const file = join(root, 'sdxl_lightning_2step_unet.safetensors');
    await symlink(join(SDXL, 'unet/diffusion_pytorch_model.safetensors'), file);
    await using pipe = await open(SDXL, { components: { unet: file } });
    expect([pipe.preset, pipe.scheduler.config['timestep_spacing']]).toEqual(['sdxl-lightning-2step', 'trailing']);
    const events = await eventsOf(pipe);
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(2);
    await using base = await open(SDXL, { scheduler: pipe.scheduler });
    expect(latentsIn(events)).toEqual(latentsIn(await eventsOf(base, { numInferenceSteps: 2, guidanceScale: 0 })));
  });

  test('is not what the checkpoint is called', async () => {
    const folder = await copyCheckpoint(SD, join(root, 'i/sd-turbo'));
    const unet = await UNet2DConditionModel.fromPretrained(join(SD, 'unet'));
    await using pipe = await open(folder, { components: { unet } });
    expect(pipe.preset).toBeUndefined();
  });
});

describe('a run', () => {
  test('takes what nobody says from the preset, tells of it first, and is the same picture as with everything said', async () => {
    const folder = await copyCheckpoint(SD, join(root, 'j/sd-turbo'));
    await using pipe = await open(folder);
    const events = await eventsOf(pipe);
    expect(events[0]).toEqual({
      type: 'preset',
      name: 'sd-turbo',
      options: TURBO,
      message: '1 step, guidance 0: preset for sd-turbo',
    });
    const partly = await eventsOf(pipe, { numInferenceSteps: 2 });
    expect(partly[0]).toMatchObject({ options: { guidanceScale: 0 }, message: 'guidance 0: preset for sd-turbo' });
    expect(partly.filter(({ type }) => type === 'step')).toHaveLength(2);
    const told = await eventsOf(pipe, TURBO);
    expect(told.some(({ type }) => type === 'preset')).toBe(false);
    await using plain = await open(SD);
    expect(latentsIn(events)).toEqual(latentsIn(told));
    expect(latentsIn(events)).toEqual(latentsIn(await eventsOf(plain, TURBO)));
  });

  test('has the timestep of Hyper-SD with its scheduler alone', async () => {
    await using pipe = await open(SDXL, { preset: 'hyper-sdxl-1step' });
    const timesteps = async (options: GenerateOptions = {}): Promise<number[]> =>
      (await eventsOf(pipe, options)).flatMap((event) => (event.type === 'step' ? [event.timestep] : []));
    expect(pipe.defaults).toMatchObject({ ...TURBO, timesteps: [800] });
    expect(await timesteps()).toEqual([800]);
    expect(await timesteps({ numInferenceSteps: 2 })).toEqual([999, 499]);
    expect(await timesteps({ timesteps: [900, 400] })).toEqual([900, 400]);
    pipe.scheduler = pipe.createScheduler('euler', { timestep_spacing: 'trailing' });
    expect(await timesteps()).toEqual([999]);
  });

  test.each(ofUnets)('%s can be asked for, and draws', async (preset) => {
    await using pipe = await open(preset === 'sd-turbo' ? SD : SDXL, { preset });
    const { numInferenceSteps } = pipe.defaults;
    const events = await eventsOf(pipe);
    expect(events[0]).toMatchObject({ type: 'preset', name: preset });
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(numInferenceSteps as number);
  });

  test('warns of a negative prompt that has no effect', async () => {
    await using pipe = await open(SD);
    const warnings = async (options: GenerateOptions): Promise<unknown[]> =>
      (await eventsOf(pipe, { numInferenceSteps: 1, ...options })).filter((event) => event.type === 'warning');
    expect(await warnings({ guidanceScale: 0, negativePrompt: 'fog' })).toEqual([
      {
        type: 'warning',
        code: 'WARN_NEGATIVE_UNUSED',
        message: 'The negative prompt has no effect: at guidance 0 the model is asked with the prompt alone.',
      },
    ]);
    expect(await warnings({ guidanceScale: 1, negativePrompt: '' })).toEqual([]);
    expect(await warnings({ guidanceScale: 2, negativePrompt: 'fog' })).toEqual([]);
  });
});

test('a preset that there is not is refused before anything is opened', async () => {
  await expect(open('/nowhere', { preset: 'sd-turbi' })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT_INVALID',
    message: expect.stringContaining('did you mean "sd-turbo"?'),
  });
  await expect(open('/nowhere', { preset: 4 as unknown as string })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT_INVALID',
  });
});
