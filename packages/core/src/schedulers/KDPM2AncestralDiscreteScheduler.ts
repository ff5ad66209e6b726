import { readSchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { Term } from './numeric/tensors.js';
import type { StepOptions } from './Scheduler.js';
import { ancestralNoise } from './solvers/ancestralNoise.js';
import { midpointFields, MidpointScheduler } from './solvers/MidpointScheduler.js';
import { stepNoise } from './solvers/stepNoise.js';

/**
 * {@link KDPM2DiscreteScheduler} with new noise: each step but the last goes below the next noise level, and noise brings the latents back up to it.
 *
 * Source: k-diffusion's `sample_dpm_2_ancestral`; diffusers `scheduling_k_dpm_2_ancestral_discrete.py`.
 */
export class KDPM2AncestralDiscreteScheduler extends MidpointScheduler {
  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    super(readSchedulerConfig('KDPM2AncestralDiscreteScheduler', midpointFields, config));
  }

  protected downTo(from: number, to: number): number {
    return ancestralNoise(from, to).down;
  }

  protected noiseOfStep(from: number, to: number, dims: readonly number[], options: StepOptions): Term[] {
    const noise = stepNoise('KDPM2AncestralDiscreteScheduler', 'every whole step adds some', dims, options);
    return [[ancestralNoise(from, to).up, noise]];
  }
}
