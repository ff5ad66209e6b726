import type { Tensor } from 'onnxruntime-common';
import { predictOriginalSample } from './numeric/predictOriginalSample.js';
import { spacedTimesteps } from './numeric/spacedTimesteps.js';
import { weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { AlphaScheduler } from './solvers/AlphaScheduler.js';
import { cogVideoXFields, cogVideoXNoise } from './solvers/cogVideoXNoise.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';

/**
 * CogVideoX' DDIM: deterministic, whatever η, for noise that may end at a signal of exactly 0.
 *
 * Source: J. Song et al., "Denoising Diffusion Implicit Models", 2020, eq. 12; diffusers `scheduling_ddim_cogvideox.py`.
 */
export class CogVideoXDDIMScheduler extends AlphaScheduler<SchedulerConfig<typeof cogVideoXFields>> {
  protected readonly finalAlphaCumprod = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('CogVideoXDDIMScheduler', cogVideoXFields, config);
    super(read, cogVideoXNoise(read.config));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'CogVideoXDDIMScheduler',
      max: this.config.num_train_timesteps,
    });
    this.begin(spacedTimesteps(count, this.config), count);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    const prevTimestep = timestep - Math.floor(this.config.num_train_timesteps / this.checkStarted());
    checkStep('CogVideoXDDIMScheduler', modelOutput, sample, options);
    const alphaProdT = this.alphaProd(timestep);
    const alphaProdTPrev = this.alphaProdPrev(prevTimestep);

    const predOriginalSample = predictOriginalSample(this.config.prediction_type, modelOutput, sample, alphaProdT);

    // The noise in the sample shrinks by `sampleWeight`, and the image is topped up to √ᾱ of the next timestep.
    const sampleWeight = Math.sqrt((1 - alphaProdTPrev) / (1 - alphaProdT));
    const originalWeight = Math.sqrt(alphaProdTPrev) - Math.sqrt(alphaProdT) * sampleWeight;
    return {
      prevSample: weightedSum([sampleWeight, sample], [originalWeight, predOriginalSample]),
      predOriginalSample,
    };
  }
}
