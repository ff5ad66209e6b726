import { describe, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { TorchGenerator } from '../../src/random/TorchGenerator.js';
import { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import { DPMSolverMultistepScheduler } from '../../src/schedulers/DPMSolverMultistepScheduler.js';
import { EulerDiscreteScheduler } from '../../src/schedulers/EulerDiscreteScheduler.js';
import { FlowMatchEulerDiscreteScheduler } from '../../src/schedulers/FlowMatchEulerDiscreteScheduler.js';
import { HeunDiscreteScheduler } from '../../src/schedulers/HeunDiscreteScheduler.js';
import { LCMScheduler } from '../../src/schedulers/LCMScheduler.js';
import { schedulerRegistry } from '../../src/schedulers/schedulerRegistry.js';
import { UniPCMultistepScheduler } from '../../src/schedulers/UniPCMultistepScheduler.js';

const noise = (seed: number): Tensor => new TorchGenerator(seed).randn([1, 4, 2, 2]);
const code = (name: string, text?: RegExp): unknown =>
  expect.objectContaining(text ? { code: name, message: expect.stringMatching(text) } : { code: name });
const names = Object.keys(schedulerRegistry).filter((name) => !name.startsWith('Flow'));

describe('a config goes from one scheduler to another', () => {
  const given = {
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    prediction_type: 'v_prediction',
    num_train_timesteps: 500,
  };

  test.each(names.flatMap((from) => names.map((to) => [from, to] as const)))('from %s to %s', (from, to) => {
    const source = new schedulerRegistry[from]!(given);
    const target = schedulerRegistry[to]!.fromConfig(source.config);
    expect(target.config).toMatchObject({ ...given, _class_name: to });
    expect(target.ignoredConfig).toEqual([]);
    const fresh = new schedulerRegistry[to]!(given);
    for (const one of [target, fresh]) one.setTimesteps(6);
    expect(target.timesteps).toEqual(fresh.timesteps);
    const json = JSON.parse(JSON.stringify(source.config)) as Record<string, unknown>;
    expect(() => schedulerRegistry[to]!.fromConfig(json)).not.toThrow();
  });

  test("what one solver calls its type is another one's nearest", () => {
    expect(
      UniPCMultistepScheduler.fromConfig(new DPMSolverMultistepScheduler({ solver_type: 'heun' }).config).config
        .solver_type,
    ).toBe('bh2');
    expect(DPMSolverMultistepScheduler.fromConfig({ solver_type: 'bh1', algorithm_type: 'deis' }).config).toMatchObject(
      { solver_type: 'midpoint', algorithm_type: 'dpmsolver++' },
    );
  });

  test('fields that cannot be honoured are named, also those given as overrides', () => {
    const karras = new DPMSolverMultistepScheduler({ use_karras_sigmas: true, solver_order: 3 });
    expect(DDIMScheduler.fromConfig(karras.config).ignoredConfig).toEqual(['use_karras_sigmas', 'solver_order']);
    expect(DDIMScheduler.fromConfig({}, { use_flow_sigmas: true }).ignoredConfig).toEqual(['use_flow_sigmas']);
    expect(UniPCMultistepScheduler.fromConfig(karras.config).config).toMatchObject({
      use_karras_sigmas: true,
      solver_order: 3,
    });
  });
});

describe('values that do not go together', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'two spacings',
      () => new EulerDiscreteScheduler({ use_karras_sigmas: true, use_beta_sigmas: true }),
      /use_beta_sigmas/,
    ],
    [
      'Lu and Karras',
      () => new DPMSolverMultistepScheduler({ use_karras_sigmas: true, use_lu_lambdas: true }),
      /use_lu_lambdas/,
    ],
    [
      'DPM-Solver to a noise of 0',
      () => new DPMSolverMultistepScheduler({ algorithm_type: 'dpmsolver' }),
      /final_sigmas_type/,
    ],
    [
      'SDE-DPM-Solver of third order',
      () =>
        new DPMSolverMultistepScheduler({
          algorithm_type: 'sde-dpmsolver',
          final_sigmas_type: 'sigma_min',
          solver_order: 3,
        }),
      /solver_order/,
    ],
    [
      'noise of flow matching',
      () => new UniPCMultistepScheduler({ predict_x0: false, prediction_type: 'flow_prediction' }),
      /predict_x0/,
    ],
    ['a terminal shift of no flow', () => new UniPCMultistepScheduler({ shift_terminal: 0.1 }), /shift_terminal/],
  ])('%s', (_, make, text) => expect(make).toThrow(code('ERR_CONFIG_INVALID', text)));

  test.each<[string, () => void, RegExp]>([
    [
      'own timesteps with Karras',
      () => new EulerDiscreteScheduler({ use_karras_sigmas: true }).setTimesteps(undefined, { timesteps: [9, 1] }),
      /"timesteps".*use_karras_sigmas/,
    ],
    [
      'timesteps that rise',
      () => new HeunDiscreteScheduler().setTimesteps(undefined, { timesteps: [1, 9] }),
      /"timesteps".*below the one before/,
    ],
    [
      'a timestep that was not trained',
      () => new HeunDiscreteScheduler().setTimesteps(undefined, { timesteps: [1000, 9] }),
      /from 999 down/,
    ],
    [
      'another number of steps',
      () => new HeunDiscreteScheduler().setTimesteps(5, { timesteps: [9, 1] }),
      /"numInferenceSteps" is 5; expected nothing, or 2/,
    ],
    ['one noise level', () => new EulerDiscreteScheduler().setTimesteps(undefined, { sigmas: [1] }), /"sigmas"/],
    [
      'mu without dynamic shifting',
      () => new FlowMatchEulerDiscreteScheduler().setTimesteps(5, { mu: 1 }),
      /"mu".*use_dynamic_shifting is false/,
    ],
    [
      'dynamic shifting without mu',
      () => new FlowMatchEulerDiscreteScheduler({ use_dynamic_shifting: true }).setTimesteps(5),
      /"mu".*use_dynamic_shifting is true/,
    ],
    [
      'more steps than LCM was distilled with',
      () => new LCMScheduler({ original_inference_steps: 20 }).setTimesteps(21),
      /from 1 to 20/,
    ],
    [
      'LCM of more steps than were trained',
      () => new LCMScheduler().setTimesteps(4, { originalInferenceSteps: 2000 }),
      /originalInferenceSteps/,
    ],
    [
      'LCM with a strength that is no number, and cannot become one',
      () => new LCMScheduler().setTimesteps(4, { strength: Object.create(null) as never }),
      /strength/,
    ],
  ])('%s', (_, call, text) => expect(call).toThrow(code('ERR_ARGUMENT_INVALID', text)));
});

describe('the course of a run', () => {
  test('Heun calls the model twice a step, but once for the last', () => {
    const scheduler = new HeunDiscreteScheduler();
    scheduler.setTimesteps(5);
    expect([scheduler.timesteps.length, scheduler.sigmas.length, scheduler.order]).toEqual([9, 10, 2]);
  });

  test('a step out of turn, and one after the end', () => {
    const scheduler = new EulerDiscreteScheduler();
    scheduler.setTimesteps(3);
    const [first, , last] = scheduler.timesteps as [number, number, number];
    scheduler.step(noise(1), first, noise(2));
    expect(() => scheduler.step(noise(1), last, noise(2))).toThrow(
      code('ERR_ARGUMENT_INVALID', /the next of the scheduler's timesteps/),
    );
    for (const t of scheduler.timesteps.slice(1)) scheduler.step(noise(1), t, noise(2));
    expect(() => scheduler.step(noise(1), last, noise(2))).toThrow(code('ERR_ARGUMENT_INVALID', /all steps are done/));
  });

  test('may start in the middle', () => {
    const scheduler = new UniPCMultistepScheduler();
    scheduler.setTimesteps(6);
    scheduler.setBeginIndex(3);
    expect(() => scheduler.step(noise(1), scheduler.timesteps[0]!, noise(2))).toThrow(code('ERR_ARGUMENT_INVALID'));
    let sample = noise(2);
    for (const t of scheduler.timesteps.slice(3)) sample = scheduler.step(noise(1), t, sample).prevSample;
    expect([...(sample.data as Float32Array)].every(Number.isFinite)).toBe(true);
  });

  test('a step that fails for want of noise can be done over', () => {
    const scheduler = new DPMSolverMultistepScheduler({ algorithm_type: 'sde-dpmsolver++' });
    scheduler.setTimesteps(4);
    const t = scheduler.timesteps[0]!;
    expect(() => scheduler.step(noise(1), t, noise(2))).toThrow(code('ERR_SCHEDULER_NO_GENERATOR', /sde-dpmsolver/));
    expect(scheduler.step(noise(1), t, noise(2), { varianceNoise: noise(3) }).prevSample.dims).toEqual([1, 4, 2, 2]);
  });

  test.each([{ solver_type: 'bh1' }, { predict_x0: false }, { lower_order_final: false, solver_order: 3 }])(
    'UniPC with %j ends in numbers, where diffusers gives NaN',
    (config) => {
      const scheduler = new UniPCMultistepScheduler(config);
      scheduler.setTimesteps(8);
      let sample = noise(2);
      for (const t of scheduler.timesteps) sample = scheduler.step(noise(t), t, sample).prevSample;
      expect([...(sample.data as Float32Array)].every(Number.isFinite)).toBe(true);
    },
  );
});
