import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { DDIMScheduler, DiffusionPipeline, schedulerRegistry, Tensor } from '../../src/index.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from '../../src/model.js';
import { SCHEDULERS } from '../../src/plugin.js';
import type {
  FromPretrainedOptions,
  Generator,
  PipelineEvent,
  Plugin,
  Scheduler,
  StepResult,
} from '../../src/index.js';
import { fixturePath } from '../support/fixturePath.js';

const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const TINY = { width: 64, height: 64, numInferenceSteps: 3, guidanceScale: 2, seed: 1, outputType: 'latent' as const };

let pipe: DiffusionPipeline | undefined;
let folder: string | undefined;
afterEach(async () => {
  await pipe?.dispose();
  if (folder !== undefined) await rm(folder, { recursive: true });
  pipe = folder = undefined;
});

async function open(
  change: Record<string, unknown> | string = {},
  { className, ...options }: FromPretrainedOptions & { readonly className?: string } = {},
): Promise<{ pipe: DiffusionPipeline; warnings: string[] }> {
  folder = await mkdtemp(join(tmpdir(), 'thimble-schedulers-'));
  await cp(fixturePath('sd-tiny'), folder, { recursive: true });
  const file = join(folder, 'scheduler', 'scheduler_config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, typeof change === 'string' ? change : JSON.stringify({ ...config, ...change }));
  if (className !== undefined) {
    const index = join(folder, 'model_index.json');
    const json = JSON.parse(await readFile(index, 'utf8')) as Record<string, unknown>;
    await writeFile(index, JSON.stringify({ ...json, scheduler: ['diffusers', className] }));
  }
  const warnings: string[] = [];
  pipe = await DiffusionPipeline.fromPretrained(folder, {
    ...INLINE,
    ...options,
    onProgress: (event) => void (event.type === 'warning' && warnings.push(`${event.code} ${event.message}`)),
  });
  return { pipe, warnings };
}

async function eventsOf(run: AsyncIterable<PipelineEvent>): Promise<PipelineEvent[]> {
  const events: PipelineEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

describe('schedulers in a pipeline', () => {
  test.each(Object.keys(schedulerRegistry))('%s denoises, with as many events as calls of the model', async (name) => {
    await open();
    pipe!.scheduler = pipe!.createScheduler(name);
    let calls = 0;
    pipe!.hooks.beforeModelCall.tap('count', ({ component }) => void (component === 'unet' && calls++));
    const events = await eventsOf(pipe!.stream('a cat', { ...TINY, numInferenceSteps: 4 }));
    const steps = events.filter(({ type }) => type === 'step').length;
    expect(steps).toBe(pipe!.scheduler.timesteps.length);
    expect(calls).toBe(steps);
    expect(steps).toBe(
      pipe!.scheduler.order === 2
        ? 7
        : name === 'PNDMScheduler' && pipe!.scheduler.config['skip_prk_steps'] === true
          ? 5
          : pipe!.scheduler.timesteps.length,
    );
  });

  test('previews show the image that the model sees, not the noise', async () => {
    await open();
    pipe!.scheduler = pipe!.createScheduler('EulerDiscreteScheduler');
    const events = await eventsOf(pipe!.stream('a cat', { ...TINY, previews: true }));
    expect(events.filter(({ type }) => type === 'preview')).toHaveLength(3);
  });

  test('own timesteps and sigmas bring their number with them', async () => {
    await open();
    pipe!.scheduler = pipe!.createScheduler('EulerDiscreteScheduler');
    const tiny = { width: 64, height: 64, seed: 1, outputType: 'latent' as const };
    for (const own of [{ timesteps: [900, 300] }, { sigmas: [10, 2, 0] }]) {
      const events = await eventsOf(pipe!.stream('a cat', { ...tiny, ...own }));
      expect(events.filter(({ type }) => type === 'step')).toHaveLength(2);
    }
    await expect(
      pipe!.generate('a cat', { ...tiny, numInferenceSteps: 9, timesteps: [900, 300] }),
    ).rejects.toMatchObject({ details: { argument: 'numInferenceSteps' } });
  });

  test.each([DDIMScheduler, {}, null])('%p is no scheduler', async (value) => {
    await open();
    expect(() => {
      pipe!.scheduler = value as never;
    }).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', message: expect.stringContaining('fromConfig') }),
    );
  });
});

describe('fields that a scheduler does not have', () => {
  test('are warned of if they say something of the model or the noise', async () => {
    const { warnings } = await open({ use_karras_sigmas: true, colour: 'red', use_beta_sigmas: false });
    expect(warnings).toEqual([
      expect.stringMatching(/^WARN_SCHEDULER_CONFIG DDIMScheduler .*"use_karras_sigmas": true, "colour": "red"\.$/),
    ]);
    expect(pipe!.scheduler.ignoredConfig).toEqual(['use_karras_sigmas', 'colour']);
  });

  test("are passed over if they are another solver's settings, as in the configs on the hub", async () => {
    const settings = { skip_prk_steps: true, sample_max_value: 1, set_alpha_to_one: false, clip_sample: false };
    const { warnings } = await open(settings, { className: 'EulerDiscreteScheduler' });
    expect(warnings).toEqual([]);
    expect(pipe!.scheduler.ignoredConfig).toEqual(expect.arrayContaining(['skip_prk_steps', 'sample_max_value']));
  });

  test('are warned of by the next run, when a scheduler is set', async () => {
    await open({ use_karras_sigmas: true }, { className: 'DPMSolverMultistepScheduler' });
    pipe!.scheduler = DDIMScheduler.fromConfig(pipe!.scheduler.config);
    const events = await eventsOf(pipe!.stream('a cat', TINY));
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      expect.objectContaining({ code: 'WARN_SCHEDULER_CONFIG', message: expect.stringContaining('use_karras_sigmas') }),
    ]);
  });

  test('an unknown prediction type is an error that names the known ones', async () => {
    await expect(open({ prediction_type: 'flow' })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('"epsilon", "sample", "v_prediction"'),
    });
  });

  test("Python's infinite numbers are read", async () => {
    await open('{"lambda_min_clipped": -Infinity, "_note": "-Infinity stays", "steps_offset": 1}', {
      className: 'DPMSolverMultistepScheduler',
    });
    expect(pipe!.scheduler.config).toMatchObject({ lambda_min_clipped: -Infinity, _note: '-Infinity stays' });
  });
});

describe('a scheduler of a third party', () => {
  const FIELDS = {};

  /** Takes the model's output for the noise of a picture that is half noise, whatever the timestep, and adds some. */
  class HalfwayScheduler implements Scheduler {
    readonly config: SchedulerConfig<typeof FIELDS>;
    readonly ignoredConfig: readonly string[];
    readonly initNoiseSigma = 2;
    readonly order = 1;
    timesteps: readonly number[] = [];

    constructor(config: SchedulerConfigInput) {
      const read = readSchedulerConfig('HalfwayScheduler', FIELDS, config);
      this.config = read.config;
      this.ignoredConfig = read.ignored;
    }

    static fromConfig(config: SchedulerConfigInput): HalfwayScheduler {
      return new HalfwayScheduler(config);
    }

    setTimesteps(numInferenceSteps: number | undefined): void {
      this.timesteps = Array.from({ length: numInferenceSteps ?? 1 }, (_, i) => 500 - i);
    }

    scaleModelInput(sample: Tensor): Tensor {
      return sample;
    }

    step(
      output: Tensor,
      _timestep: number,
      sample: Tensor,
      { generator }: { readonly generator?: Generator } = {},
    ): StepResult {
      const noise = generator!.randn(sample.dims).data as Float32Array;
      return {
        prevSample: new Tensor(
          'float32',
          (sample.data as Float32Array).map((x, i) => x / 2 - (output.data[i] as number) / 4 + noise[i]! / 8),
          sample.dims,
        ),
      };
    }

    addNoise(original: Tensor): Tensor {
      return original;
    }
  }
  const provider: Plugin = { name: 'test:halfway', apply: (ctx) => void ctx.provide(SCHEDULERS, { HalfwayScheduler }) };

  test('comes with the checkpoint that names it, and goes with its plugin', async () => {
    const { warnings } = await open({}, { className: 'HalfwayScheduler', plugins: [provider] });
    expect(pipe!.scheduler).toBeInstanceOf(HalfwayScheduler);
    expect(warnings).toEqual([expect.stringMatching(/WARN_SCHEDULER_CONFIG HalfwayScheduler/)]);
    const first = await pipe!.generate('a cat', TINY);
    const again = await pipe!.generate('a cat', TINY);
    expect(again.images.data).toEqual(first.images.data);
    await pipe!.remove('test:halfway');
    expect(() => pipe!.createScheduler('HalfwayScheduler')).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEDULER_UNKNOWN' }),
    );
  });

  test('is unknown without its plugin', async () => {
    await expect(open({}, { className: 'HalfwayScheduler' })).rejects.toMatchObject({ code: 'ERR_SCHEDULER_UNKNOWN' });
  });
});

describe('which scheduler a checkpoint is opened with', () => {
  test.each([
    ['DDIMScheduler', 'FlaxDDIMScheduler', [751, 501, 251, 1]],
    ['DDIMScheduler', 'PNDMScheduler', [751, 501, 251, 1]],
    ['PNDMScheduler', 'DDIMScheduler', [751, 501, 501, 251, 1]],
  ])('that of model_index.json, %s, whatever the config says: %s', async (className, inConfig, timesteps) => {
    await open({ _class_name: inConfig, skip_prk_steps: true }, { className });
    pipe!.scheduler.setTimesteps(4);
    expect([pipe!.scheduler.config._class_name, pipe!.scheduler.timesteps]).toEqual([className, timesteps]);
  });

  test('the one that is asked for by name, though its own does not exist here', async () => {
    await expect(open({}, { className: 'MagicScheduler' })).rejects.toThrow(
      /checkpoint ".*" comes with the scheduler "MagicScheduler", .* scheduler: 'euler'/,
    );
    await open({}, { className: 'MagicScheduler', scheduler: 'dpm++_2m_karras' });
    expect(pipe!.scheduler.config).toMatchObject({
      _class_name: 'DPMSolverMultistepScheduler',
      use_karras_sigmas: true,
      beta_start: 0.00085,
    });
    const { images } = await pipe!.generate('a cat', TINY);
    expect(images.dims).toEqual([1, 4, 8, 8]);
    expect(pipe!.createScheduler('euler_a').config._class_name).toBe('EulerAncestralDiscreteScheduler');
  });

  test('one that was made, as it is', async () => {
    const scheduler = DDIMScheduler.fromConfig({ beta_schedule: 'scaled_linear', steps_offset: 0 });
    await open('no JSON', { className: 'MagicScheduler', scheduler });
    expect(pipe!.scheduler).toBe(scheduler);
  });

  test('one of flow matching is warned of where the UNet predicts noise', async () => {
    const { warnings } = await open({}, { scheduler: 'flow-euler' });
    expect(warnings).toContainEqual(expect.stringMatching(/^WARN_SCHEDULER_FLOW .*the picture will be noise/));
    pipe!.scheduler = pipe!.createScheduler('euler');
    pipe!.scheduler = pipe!.createScheduler('flow-euler');
    const events = await eventsOf(pipe!.stream('a cat', { ...TINY, numInferenceSteps: 1 }));
    expect(events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))).toContain('WARN_SCHEDULER_FLOW');
  });

  test('a name that means none is refused before anything is looked for', async () => {
    const opened = DiffusionPipeline.fromPretrained('/nowhere', { scheduler: 'eulr' });
    await expect(opened).rejects.toMatchObject({
      code: 'ERR_SCHEDULER_UNKNOWN',
      details: { nearest: 'euler' },
      message: expect.stringMatching(/there is no scheduler "eulr"; did you mean "euler"/),
    });
    await expect(DiffusionPipeline.fromPretrained('/nowhere', { scheduler: 5 as never })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
    });
  });
});
