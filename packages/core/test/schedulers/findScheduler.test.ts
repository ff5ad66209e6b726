import { describe, expect, test } from '@jest/globals';
import { createScheduler, findScheduler, schedulerName, schedulerRegistry } from '../../src/index.js';

const known = Object.keys(schedulerRegistry);
const DPM = 'DPMSolverMultistepScheduler';
const [ODE, SDE] = ['dpmsolver++', 'sde-dpmsolver++'];
const karras = { use_karras_sigmas: true };

describe('findScheduler', () => {
  test.each(known)('%s by its class, without its last words, and by its short name', (className) => {
    const names = [className, className.toLowerCase(), className.replace('Scheduler', ''), schedulerName(className)];
    for (const name of names) expect(findScheduler(name, known)).toEqual({ className, config: {} });
  });

  test.each<[string, string, object]>([
    ['euler_a', 'EulerAncestralDiscreteScheduler', {}],
    ['Euler a', 'EulerAncestralDiscreteScheduler', {}],
    ['euler_ancestral', 'EulerAncestralDiscreteScheduler', {}],
    ['k_euler_a', 'EulerAncestralDiscreteScheduler', {}],
    ['sample_euler', 'EulerDiscreteScheduler', {}],
    ['Euler Karras', 'EulerDiscreteScheduler', karras],
    ['LMS Karras', 'LMSDiscreteScheduler', karras],
    ['PLMS', 'PNDMScheduler', {}],
    ['DPM2', 'KDPM2DiscreteScheduler', {}],
    ['DPM2 a Karras', 'KDPM2AncestralDiscreteScheduler', karras],
    ['dpm_2_ancestral', 'KDPM2AncestralDiscreteScheduler', {}],
    ['kdpm_2', 'KDPM2DiscreteScheduler', {}],
    ['dpm++_2m', DPM, { algorithm_type: ODE, solver_order: 2 }],
    ['dpm++_2m_karras', DPM, { algorithm_type: ODE, solver_order: 2, ...karras }],
    ['DPM++ 2M Karras', DPM, { algorithm_type: ODE, solver_order: 2, ...karras }],
    ['dpmpp_2m', DPM, { algorithm_type: ODE, solver_order: 2 }],
    ['dpmpp_2m_k', DPM, { algorithm_type: ODE, solver_order: 2, ...karras }],
    ['DPM++ 2M SDE Exponential', DPM, { algorithm_type: SDE, solver_order: 2, use_exponential_sigmas: true }],
    ['dpmpp_2m_sde_gpu', DPM, { algorithm_type: SDE, solver_order: 2 }],
    ['DPM++ 3M SDE Karras', DPM, { algorithm_type: SDE, solver_order: 3, ...karras }],
    ['dpm++_sde', DPM, { algorithm_type: SDE, solver_order: 2 }],
    ['dpm++_2m_sgm_uniform', DPM, { algorithm_type: ODE, solver_order: 2, timestep_spacing: 'trailing' }],
    ['uni_pc', 'UniPCMultistepScheduler', {}],
    ['uni_pc_bh1', 'UniPCMultistepScheduler', { solver_type: 'bh1' }],
  ])('"%s" is %s', (name, className, config) => {
    expect(findScheduler(name, known)).toEqual({ className, config });
  });

  test.each(['', ' ', 'karras', 'dpm++_2s_a', 'constructor', '__proto__', 'euler euler', 7])('%j is none', (name) => {
    expect(findScheduler(name as string, known)).toBeUndefined();
  });

  test('knows only what there is', () => {
    expect(findScheduler('euler_a', ['DDIMScheduler'])).toBeUndefined();
    expect(findScheduler('my', ['MyScheduler'])).toEqual({ className: 'MyScheduler', config: {} });
  });
});

describe('createScheduler', () => {
  test('a name goes before the config, and switches its spacing off', () => {
    const config = { use_exponential_sigmas: true, solver_order: 3, beta_start: 0.001 };
    expect(createScheduler('DPM++ 2M Karras', config).config).toMatchObject({
      use_karras_sigmas: true,
      use_exponential_sigmas: false,
      solver_order: 2,
      beta_start: 0.001,
    });
  });

  test.each([
    ['eulr', 'euler'],
    ['dpm++_2m_kerras', 'dpm++_2m_karras'],
    ['DPMSolverSinglestepScheduler', 'DPMSolverMultistepScheduler'],
  ])('of %s says that %s may be meant', (name, nearest) => {
    expect(() => createScheduler(name, {})).toThrow(`there is no scheduler "${name}"; did you mean "${nearest}"?`);
  });
});
