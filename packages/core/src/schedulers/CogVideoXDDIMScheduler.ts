import type { Tensor } from 'onnxruntime-common';
import { atTimestep } from './numeric/atTimestep.js';
import { predictOriginalSample } from './numeric/predictOriginalSample.js';
import { checkStepTensors, weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { StepResult } from './Scheduler.js';
import { cogVideoXFields, cogVideoXNoise } from './solvers/cogVideoXNoise.js';
import { EvenStepScheduler } from './solvers/EvenStepScheduler.js';

/**
 * CogVideoX' DDIM: deterministic, whatever η, for noise that may end at a signal of exactly 0.
 *
 * Source: J. Song et al., "Denoising Diffusion Implicit Models", 2020, eq. 12; diffusers `scheduling_ddim_cogvideox.py`.
 */
export class CogVideoXDDIMScheduler extends EvenStepScheduler<SchedulerConfig<typeof cogVideoXFields>> {
  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('CogVideoXDDIMScheduler', cogVideoXFields, config);
    super(read, cogVideoXNoise(read.config));
  }

  step(
    modelOutput: Tensor,
    timestep: number,
    sample: Tensor,
  ): Required<Pick<StepResult, 'prevSample' | 'predOriginalSample'>> {
    const prevTimestep = this.prevTimestep(timestep);
    checkStepTensors(modelOutput, sample);
    const alphaProdT = atTimestep(this.alphasCumprod, timestep);
    const alphaProdTPrev = this.alphaProd(prevTimestep);

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
