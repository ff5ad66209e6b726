import type { Tensor } from 'onnxruntime-common';
import { booleanField, choiceField } from '../fields/Field.js';
import { spacedTimesteps32 } from './numeric/spacedTimesteps.js';
import { weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { ancestralNoise } from './solvers/ancestralNoise.js';
import { kDiffusionFields, KDiffusionScheduler } from './solvers/KDiffusionScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import { stepNoise } from './solvers/stepNoise.js';

const FIELDS = {
  ...kDiffusionFields,
  prediction_type: choiceField('epsilon', ['epsilon', 'v_prediction']),
  rescale_betas_zero_snr: booleanField(false),
};

/**
 * Euler's method with new noise: each step goes below the next noise level, and noise brings the latents back up to it. Noise is drawn
 * at every step, the last one included.
 *
 * Source: k-diffusion's `sample_euler_ancestral`; diffusers `scheduling_euler_ancestral_discrete.py`.
 */
export class EulerAncestralDiscreteScheduler extends KDiffusionScheduler<SchedulerConfig<typeof FIELDS>> {
  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    super(readSchedulerConfig('EulerAncestralDiscreteScheduler', FIELDS, config));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'EulerAncestralDiscreteScheduler',
      max: this.config.num_train_timesteps,
    });
    const timesteps = spacedTimesteps32(count, this.config);
    this.run.begin({ timesteps, sigmas: [...timesteps.map((t) => this.trained.at(t)), 0] });
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    checkStep('EulerAncestralDiscreteScheduler', modelOutput, sample, options);
    const index = this.run.stepIndex(timestep);
    const [sigmaFrom, sigmaTo] = [this.sigmas[index]!, this.sigmas[index + 1]!];
    const predOriginalSample = this.predictOriginalSample(modelOutput, sample, sigmaFrom);

    const { down: sigmaDown, up: sigmaUp } = ancestralNoise(sigmaFrom, sigmaTo);
    const noise = stepNoise('EulerAncestralDiscreteScheduler', 'every step adds some', sample.dims, options);

    // The derivative is (x - image) / σ.
    const share = (sigmaDown - sigmaFrom) / sigmaFrom;
    this.run.advance();
    return {
      prevSample: weightedSum([1 + share, sample], [-share, predOriginalSample], [sigmaUp, noise]),
      predOriginalSample,
    };
  }
}
