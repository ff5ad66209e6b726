import { readSchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { Term } from './numeric/tensors.js';
import { midpointFields, MidpointScheduler } from './solvers/MidpointScheduler.js';

/**
 * DPM-Solver-2 as k-diffusion has it: deterministic, two calls of the model a step.
 *
 * Source: T. Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, algorithm 2; diffusers `scheduling_k_dpm_2_discrete.py`.
 */
export class KDPM2DiscreteScheduler extends MidpointScheduler {
  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    super(readSchedulerConfig('KDPM2DiscreteScheduler', midpointFields, config));
  }

  protected downTo(_from: number, to: number): number {
    return to;
  }

  protected noiseOfStep(): Term[] {
    return [];
  }
}
