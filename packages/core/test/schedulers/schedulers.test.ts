import { describe, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { TorchGenerator } from '../../src/random/TorchGenerator.js';
import { createScheduler } from '../../src/schedulers/createScheduler.js';
import { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import { PNDMScheduler } from '../../src/schedulers/PNDMScheduler.js';
import { schedulerRegistry } from '../../src/schedulers/schedulerRegistry.js';

const SD15 = {
  _class_name: 'PNDMScheduler', _diffusers_version: '0.6.0', beta_end: 0.012, beta_schedule: 'scaled_linear', beta_start: 0.00085,
  num_train_timesteps: 1000, set_alpha_to_one: false, skip_prk_steps: true, steps_offset: 1, trained_betas: null, clip_sample: false,
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
    for (const name of ['DDIM', 'constructor', undefined as unknown as string]) {
      expect(() => createScheduler(name, {})).toThrow(code('ERR_SCHEDULER_UNKNOWN', /DDIMScheduler, .*PNDMScheduler/));
    }
  });

  test('takes another registry', () => {
    expect(createScheduler('Mine', {}, { Mine: DDIMScheduler })).toBeInstanceOf(DDIMScheduler);
  });
});

describe.each(Object.entries(schedulerRegistry))('%s', (name, Scheduler) => {
  test('fills in its config, freezes it, and makes the same scheduler from it', () => {
    const scheduler = new Scheduler();
    expect(scheduler.config).toMatchObject({ _class_name: name, num_train_timesteps: 1000 });
    expect(Object.isFrozen(scheduler.config)).toBe(true);
    expect({ ...Scheduler.fromConfig(scheduler.config).config }).toEqual({ ...scheduler.config });
    const json = JSON.parse(JSON.stringify(scheduler.config)) as Record<string, unknown>;
    expect({ ...Scheduler.fromConfig(json).config }).toMatchObject(json);
  });

  test('names fields that no scheduler knows', () => {
    const { ignoredConfig, config } = Scheduler.fromConfig({ ...SD15, solver_order: 2, colour: 'red' });
    expect(ignoredConfig).toEqual(['colour']);
    expect(config).toMatchObject({ colour: 'red', solver_order: 2, skip_prk_steps: true, clip_sample: false });
  });

  test.each([
    ['prediction_type', 'flow'], ['beta_schedule', 'sigmoid'], ['timestep_spacing', 'karras'], ['beta_start', '0.1'], ['beta_end', Number.NaN],
    ['num_train_timesteps', 0], ['num_train_timesteps', 10.5], ['steps_offset', -1], ['trained_betas', 'x'], ['trained_betas', []],
    ['set_alpha_to_one', 1], ['beta_schedule', null],
  ])('refuses %s = %p', (field, value) => {
    const makeOne = (): unknown => Scheduler.fromConfig({ [field]: value });
    expect(makeOne).toThrow(code('ERR_CONFIG_INVALID', new RegExp(`${name}.*"${field}"`)));
  });

  test('refuses a config that is none', () => {
    expect(() => new Scheduler([] as never)).toThrow(code('ERR_CONFIG_INVALID'));
    expect(() => new Scheduler(null as never)).toThrow(code('ERR_CONFIG_INVALID'));
  });

  test.each([0, -1, 2.5, 1001, Number.NaN, Infinity, '5' as never])('refuses %p steps', (steps) => {
    expect(() => new Scheduler().setTimesteps(steps)).toThrow(code('ERR_ARGUMENT_INVALID', /numInferenceSteps/));
  });

  test('refuses schedules that it would not follow', () => {
    const scheduler = new Scheduler();
    expect(() => scheduler.setTimesteps(5, { timesteps: [9, 1] })).toThrow(code('ERR_ARGUMENT_INVALID', new RegExp(name)));
    expect(() => scheduler.setTimesteps(5, { sigmas: [9, 1] })).toThrow(code('ERR_ARGUMENT_INVALID'));
    expect(() => scheduler.setTimesteps(5, { mu: 1 })).toThrow(code('ERR_ARGUMENT_INVALID'));
  });

  test('takes no step before it has timesteps', () => {
    expect(() => new Scheduler().step(noise(1), 1, noise(2))).toThrow(code('ERR_SCHEDULER_NOT_STARTED', /setTimesteps/));
  });

  test('checks tensors and timesteps', () => {
    const scheduler = new Scheduler(SD15);
    scheduler.setTimesteps(5);
    const t = scheduler.timesteps[0]!;
    expect(() => scheduler.step(new TorchGenerator(1).randn([1, 4, 2, 3]), t, noise(2))).toThrow(code('ERR_TENSOR_SHAPE', /\[1, 4, 2, 3\]/));
    expect(() => scheduler.step(new TorchGenerator(1).randn(dims, 'float64'), t, noise(2))).toThrow(code('ERR_TENSOR_DTYPE', /float64/));
    expect(() => scheduler.step(noise(1), 1000, noise(2))).toThrow(code('ERR_ARGUMENT_INVALID', /timestep/));
    expect(() => scheduler.addNoise(noise(1), noise(2), [1, 2])).toThrow(code('ERR_ARGUMENT_INVALID', /timesteps/));
    expect(() => scheduler.addNoise(noise(1), noise(2), [-1])).toThrow(code('ERR_ARGUMENT_INVALID', /timestep/));
  });

  test('does not write to what it is given', () => {
    const scheduler = new Scheduler(SD15);
    scheduler.setTimesteps(5);
    const [output, sample] = [noise(1), noise(2)];
    for (const t of scheduler.timesteps) scheduler.step(output, t, sample);
    expect(output.data).toEqual(noise(1).data);
    expect(sample.data).toEqual(noise(2).data);
  });

  test('never gives a timestep that was not trained', () => {
    const scheduler = new Scheduler({ ...SD15, timestep_spacing: 'trailing' });
    for (const steps of [61, 103, 998]) {
      scheduler.setTimesteps(steps);
      expect(new Set(scheduler.timesteps).size).toBe(steps);
      expect(Math.min(...scheduler.timesteps)).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('configs of other schedulers', () => {
  test('defaults of the other one are left behind, given values are not', () => {
    const pndm = PNDMScheduler.fromConfig(SD15);
    expect(pndm.config).toMatchObject({ timestep_spacing: 'leading', prediction_type: 'epsilon' });
    const other = PNDMScheduler.fromConfig(new DDIMScheduler({ beta_start: 0.001 }).config);
    expect(other.config).toMatchObject({ beta_start: 0.001, set_alpha_to_one: false });
    expect(DDIMScheduler.fromConfig(pndm.config).config).toMatchObject({ clip_sample: false, steps_offset: 1, set_alpha_to_one: false });
  });

  test('a value that was changed in the copy counts as given', () => {
    const config = { ...new DDIMScheduler().config, set_alpha_to_one: false, timestep_spacing: 'trailing' };
    expect(PNDMScheduler.fromConfig(config).config).toMatchObject({ set_alpha_to_one: false, timestep_spacing: 'trailing' });
    expect(PNDMScheduler.fromConfig(new DDIMScheduler().config, { timestep_spacing: 'linspace' }).config.timestep_spacing).toBe('linspace');
  });

  test('the class name is its own', () => expect(DDIMScheduler.fromConfig(SD15).config._class_name).toBe('DDIMScheduler'));
});

describe('noise', () => {
  const started = (): DDIMScheduler => {
    const scheduler = DDIMScheduler.fromConfig(SD15);
    scheduler.setTimesteps(3);
    return scheduler;
  };

  test('is drawn at every step with eta > 0, the last one included, and never without', () => {
    for (const [eta, draws] of [[0, 0], [0.3, 3]] as const) {
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
    expect(() => started().step(noise(1), t, noise(2), { eta: 1 })).toThrow(code('ERR_SCHEDULER_NO_GENERATOR', /generator/));
    expect(() => started().step(noise(1), t, noise(2), { eta: 1, generator: new TorchGenerator(1), varianceNoise: noise(3) }))
      .toThrow(code('ERR_ARGUMENT_INVALID', /varianceNoise/));
  });
});

test('PNDM with Runge-Kutta steps needs four timesteps', () => {
  expect(() => new PNDMScheduler().setTimesteps(3)).toThrow(code('ERR_ARGUMENT_INVALID', /from 4/));
  const plms = new PNDMScheduler({ skip_prk_steps: true });
  plms.setTimesteps(1);
  expect(plms.timesteps).toEqual([0]);
});
