import { describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { TorchGenerator } from '../../src/random/TorchGenerator.js';
import { createScheduler } from '../../src/schedulers/createScheduler.js';
import { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import { PNDMScheduler } from '../../src/schedulers/PNDMScheduler.js';
import type { SchedulerClass } from '../../src/schedulers/Scheduler.js';
import { schedulerRegistry } from '../../src/schedulers/schedulerRegistry.js';

const SD15 = {
  _class_name: 'PNDMScheduler',
  _diffusers_version: '0.6.0',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
  clip_sample: false,
};
const dims = [1, 4, 2, 2];
const noise = (seed: number): Tensor => new TorchGenerator(seed).randn(dims);
const code = (name: string, text?: RegExp): unknown =>
  expect.objectContaining(text ? { code: name, message: expect.stringMatching(text) } : { code: name });

describe('createScheduler', () => {
  test('makes the class that is named', () => {
    expect(createScheduler('PNDMScheduler', SD15)).toBeInstanceOf(PNDMScheduler);
    expect(createScheduler('DDIMScheduler', {})).toBeInstanceOf(DDIMScheduler);
  });

  test('says which ones there are', () => {
    for (const name of ['DDIMish', 'constructor', undefined as unknown as string]) {
      expect(() => createScheduler(name, {})).toThrow(code('ERR_SCHEDULER_UNKNOWN', /DDIMScheduler, .*PNDMScheduler/));
    }
  });

  test('takes another registry', () => {
    expect(createScheduler('Mine', {}, { Mine: DDIMScheduler })).toBeInstanceOf(DDIMScheduler);
  });
});

test('refuses betas that leave no numbers as timesteps', () => {
  const scheduler = createScheduler('KDPM2AncestralDiscreteScheduler', { beta_start: 1 });
  expect(() => scheduler.setTimesteps(2)).toThrow(code('ERR_CONFIG_INVALID', /betas/));
});

/** Values that no scheduler takes, of fields that not all of them have. */
const WRONG: readonly (readonly [string, unknown])[] = [
  ['prediction_type', 'flow'],
  ['beta_schedule', 'cosine'],
  ['timestep_spacing', 'karras'],
  ['beta_start', '0.1'],
  ['beta_end', Number.NaN],
  ['beta_start', -0.1],
  ['trained_betas', [0.1, 1.5]],
  ['num_train_timesteps', 0],
  ['num_train_timesteps', 10.5],
  ['num_train_timesteps', 1e9],
  ['steps_offset', -1],
  ['trained_betas', 'x'],
  ['trained_betas', []],
  ['set_alpha_to_one', 1],
  ['beta_schedule', null],
  ['use_karras_sigmas', 'yes'],
  ['solver_order', 4],
  ['shift', null],
  ['solver_p', {}],
];

describe.each(Object.entries(schedulerRegistry))('%s', (name, Scheduler) => {
  const fields = new Scheduler().config;
  /** The fields of SD 1.5's config that the scheduler has. */
  const sd15 = Object.fromEntries(Object.entries(SD15).filter(([field]) => field in fields));
  const generator = new TorchGenerator(3);

  test('fills in its config, freezes it, and makes the same scheduler from it', () => {
    const scheduler = new Scheduler();
    expect(scheduler.config).toMatchObject({ _class_name: name, num_train_timesteps: 1000 });
    expect(scheduler.ignoredConfig).toEqual([]);
    expect(Object.isFrozen(scheduler.config)).toBe(true);
    expect({ ...Scheduler.fromConfig(scheduler.config).config }).toEqual({ ...scheduler.config });
    const json = JSON.parse(JSON.stringify(scheduler.config)) as Record<string, unknown>;
    const again = Scheduler.fromConfig(json);
    expect({ ...again.config }).toMatchObject(json);
    for (const one of [scheduler, again]) one.setTimesteps(4);
    expect(again.timesteps).toEqual(scheduler.timesteps);
  });

  test('names the fields that it does not have, unless they are off', () => {
    const { ignoredConfig, config } = Scheduler.fromConfig({
      ...SD15,
      use_lu_lambdas: false,
      solver_order: 2,
      colour: 'red',
    });
    const given = [
      'beta_end',
      'beta_schedule',
      'beta_start',
      'skip_prk_steps',
      'steps_offset',
      'solver_order',
      'colour',
    ];
    expect(ignoredConfig).toEqual(given.filter((field) => !(field in fields)));
    expect(config).toMatchObject({ colour: 'red', solver_order: 2, skip_prk_steps: true, clip_sample: false });
  });

  test.each(WRONG.filter(([field]) => field in fields))('refuses %s = %p', (field, value) => {
    const makeOne = (): unknown => Scheduler.fromConfig({ [field]: value });
    expect(makeOne).toThrow(code('ERR_CONFIG_INVALID', new RegExp(`${name}.*"${field}"`)));
  });

  test('refuses a config that is none', () => {
    expect(() => new Scheduler([] as never)).toThrow(code('ERR_CONFIG_INVALID'));
    expect(() => new Scheduler(null as never)).toThrow(code('ERR_CONFIG_INVALID'));
  });

  test.each([0, -1, 2.5, 1001, Number.NaN, Infinity, '5' as never, undefined])('refuses %p steps', (steps) => {
    expect(() => new Scheduler().setTimesteps(steps)).toThrow(code('ERR_ARGUMENT_INVALID', /numInferenceSteps/));
  });

  test.each([
    ['timesteps', [9, 1]],
    ['sigmas', [9, 1]],
    ['mu', 1],
    ['strength', 0.5],
    ['originalInferenceSteps', 10],
  ] as const)('takes own %s, or refuses them by its name', (option, value) => {
    const scheduler = new Scheduler();
    const set = (): void => scheduler.setTimesteps(option === 'timesteps' ? undefined : 2, { [option]: value });
    if (TAKES[name]?.includes(option)) expect(set).not.toThrow();
    else
      expect(set).toThrow(code('ERR_ARGUMENT_INVALID', new RegExp(`"${option}" is .*(${name}|use_dynamic_shifting)`)));
  });

  test('refuses timesteps and sigmas at once', () => {
    expect(() => new Scheduler().setTimesteps(2, { timesteps: [9, 1], sigmas: [9, 1] })).toThrow(
      code('ERR_ARGUMENT_INVALID', /"(timesteps|sigmas)"/),
    );
  });

  test('takes no step before it has timesteps', () => {
    expect(() => new Scheduler().step(noise(1), 1, noise(2))).toThrow(
      code('ERR_SCHEDULER_NOT_STARTED', /setTimesteps/),
    );
  });

  test('checks tensors and timesteps', () => {
    const scheduler = new Scheduler(sd15);
    scheduler.setTimesteps(5);
    const t = scheduler.timesteps[0]!;
    expect(() => scheduler.step(new TorchGenerator(1).randn([1, 4, 2, 3]), t, noise(2))).toThrow(
      code('ERR_TENSOR_SHAPE', /\[1, 4, 2, 3\]/),
    );
    expect(() => scheduler.step(new TorchGenerator(1).randn(dims, 'float64'), t, noise(2))).toThrow(
      code('ERR_TENSOR_DTYPE', /float64/),
    );
    expect(() => scheduler.step(noise(1), 1000.5, noise(2), { generator })).toThrow(
      code('ERR_ARGUMENT_INVALID', /timestep/),
    );
    expect(() => scheduler.addNoise(noise(1), noise(2), [1, 2])).toThrow(code('ERR_ARGUMENT_INVALID', /timesteps/));
    expect(() => scheduler.addNoise(noise(1), noise(2), [-1])).toThrow(code('ERR_ARGUMENT_INVALID', /timestep/));
  });

  test.each([
    [{ etta: 0.5 }, /unknown option "etta" of \w+\.step; did you mean "eta"\?/],
    [{ eta: 'much' }, /"eta" is "much"/],
    [{ order: 0 }, /"order" is 0/],
    [{ generator: 7 }, /"generator" is 7/],
    [null, /"options" is null/],
  ])('refuses the step options %p', (options, message) => {
    const scheduler = new Scheduler(sd15);
    scheduler.setTimesteps(5);
    expect(() => scheduler.step(noise(1), scheduler.timesteps[0]!, noise(2), options as object)).toThrow(
      code('ERR_ARGUMENT_INVALID', message),
    );
  });

  test('does not write to what it is given', () => {
    const scheduler = new Scheduler(sd15);
    scheduler.setTimesteps(5);
    const [output, sample] = [noise(1), noise(2)];
    for (const t of scheduler.timesteps) {
      scheduler.scaleModelInput(sample, t);
      scheduler.step(output, t, sample, { generator });
    }
    expect(output.data).toEqual(noise(1).data);
    expect(sample.data).toEqual(noise(2).data);
  });

  test('goes from noise to image, and never to a timestep that was not trained', () => {
    const scheduler = new Scheduler({
      ...sd15,
      ...('timestep_spacing' in fields ? { timestep_spacing: 'trailing' } : {}),
    });
    for (const steps of name === 'LCMScheduler' ? [1, 7, 50] : [61, 103, 998]) {
      scheduler.setTimesteps(steps);
      const starts = scheduler.timesteps.filter((_, i) => i % scheduler.order === 0);
      expect(new Set(starts).size).toBe(steps);
      expect(starts.toSorted((a, b) => b - a)).toEqual(starts);
      expect(Math.min(...scheduler.timesteps)).toBeGreaterThanOrEqual(0);
    }
  });

  test('ends where the model says that the image is, if it says the same at every step', () => {
    if (!('prediction_type' in fields) || !takesSample(Scheduler)) return;
    const scheduler = new Scheduler({ ...sd15, prediction_type: 'sample', set_alpha_to_one: true, clip_sample: false });
    scheduler.setTimesteps(20);
    const image = noise(5);
    let sample = scale(noise(6), scheduler.initNoiseSigma);
    for (const t of scheduler.timesteps) sample = scheduler.step(image, t, sample, { generator }).prevSample;
    (sample.data as Float32Array).forEach((x, i) =>
      expect(Math.abs(x - (image.data as Float32Array)[i]!)).toBeLessThan(0.1),
    );
  });
});

const TAKES: Readonly<Record<string, readonly string[]>> = {
  DDPMScheduler: ['timesteps'],
  DPMSolverMultistepScheduler: ['timesteps'],
  EulerDiscreteScheduler: ['timesteps', 'sigmas'],
  FlowMatchEulerDiscreteScheduler: ['timesteps', 'sigmas'],
  HeunDiscreteScheduler: ['timesteps'],
  LCMScheduler: ['timesteps', 'strength', 'originalInferenceSteps'],
};

function takesSample(Scheduler: SchedulerClass): boolean {
  try {
    return Boolean(new Scheduler({ prediction_type: 'sample' }));
  } catch {
    return false;
  }
}

function scale(tensor: Tensor, factor: number): Tensor {
  return new Tensor(
    'float32',
    (tensor.data as Float32Array).map((x) => x * factor),
    tensor.dims,
  );
}

describe('configs of other schedulers', () => {
  test('defaults of the other one are left behind, given values are not', () => {
    const pndm = PNDMScheduler.fromConfig(SD15);
    expect(pndm.config).toMatchObject({ timestep_spacing: 'leading', prediction_type: 'epsilon' });
    const other = PNDMScheduler.fromConfig(new DDIMScheduler({ beta_start: 0.001 }).config);
    expect(other.config).toMatchObject({ beta_start: 0.001, set_alpha_to_one: false });
    expect(DDIMScheduler.fromConfig(pndm.config).config).toMatchObject({
      clip_sample: false,
      steps_offset: 1,
      set_alpha_to_one: false,
    });
  });

  test('a value that was changed in the copy counts as given', () => {
    const config = { ...new DDIMScheduler().config, set_alpha_to_one: false, timestep_spacing: 'trailing' };
    expect(PNDMScheduler.fromConfig(config).config).toMatchObject({
      set_alpha_to_one: false,
      timestep_spacing: 'trailing',
    });
    expect(
      PNDMScheduler.fromConfig(new DDIMScheduler().config, { timestep_spacing: 'linspace' }).config.timestep_spacing,
    ).toBe('linspace');
  });

  test('the class name is its own', () =>
    expect(DDIMScheduler.fromConfig(SD15).config._class_name).toBe('DDIMScheduler'));
});

describe('noise', () => {
  const started = (): DDIMScheduler => {
    const scheduler = DDIMScheduler.fromConfig(SD15);
    scheduler.setTimesteps(3);
    return scheduler;
  };

  test('is drawn at every step with eta > 0, the last one included, and never without', () => {
    for (const [eta, draws] of [
      [0, 0],
      [0.3, 3],
    ] as const) {
      let drawn = 0;
      const source = new TorchGenerator(1);
      const generator = { randn: (shape: readonly number[]): Tensor => (drawn++, source.randn(shape)) };
      const scheduler = started();
      for (const t of scheduler.timesteps) scheduler.step(noise(1), t, noise(2), { eta, generator });
      expect(drawn).toBe(draws);
    }
  });

  test('comes from a generator or is given, one of the two', () => {
    const t = started().timesteps[0]!;
    expect(() => started().step(noise(1), t, noise(2), { eta: 1 })).toThrow(
      code('ERR_SCHEDULER_NO_GENERATOR', /generator/),
    );
    expect(() =>
      started().step(noise(1), t, noise(2), { eta: 1, generator: new TorchGenerator(1), varianceNoise: noise(3) }),
    ).toThrow(code('ERR_ARGUMENT_INVALID', /varianceNoise/));
  });
});

test('PNDM with Runge-Kutta steps needs four timesteps', () => {
  expect(() => new PNDMScheduler().setTimesteps(3)).toThrow(code('ERR_ARGUMENT_INVALID', /from 4/));
  const plms = new PNDMScheduler({ skip_prk_steps: true });
  plms.setTimesteps(1);
  expect(plms.timesteps).toEqual([0]);
});
