import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { AlphaScheduler } from './AlphaScheduler.js';
import { atTimestep } from './atTimestep.js';
import { checkStepTensors } from './checkStepTensors.js';
import { cogVideoXFields, cogVideoXNoise } from './cogVideoXNoise.js';
import { weightedSum } from './math/weightedSum.js';
import { predictOriginalSample } from './predictOriginalSample.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import { resolveStepCount } from './resolveStepCount.js';
import type { SetTimestepsOptions, StepResult } from './Scheduler.js';
import { allTimesteps, spacedTimesteps } from './spacedTimesteps.js';

/**
 * CogVideoX' DDIM: deterministic, whatever η, for noise that may end at a signal of exactly 0.
 *
 * Source: J. Song et al., "Denoising Diffusion Implicit Models", 2020, eq. 12; diffusers `scheduling_ddim_cogvideox.py`.
 */
export class CogVideoXDDIMScheduler extends AlphaScheduler<SchedulerConfig<typeof cogVideoXFields>> {
  readonly #finalAlphaCumprod: number;
  #timesteps: readonly number[];
  #numInferenceSteps: number | undefined;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('CogVideoXDDIMScheduler', cogVideoXFields, config);
    super(read, cogVideoXNoise(read.config));
    this.#finalAlphaCumprod = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
    this.#timesteps = allTimesteps(this.config);
  }

  get timesteps(): readonly number[] {
    return this.#timesteps;
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, { scheduler: 'CogVideoXDDIMScheduler', max: this.config.num_train_timesteps });
    this.#numInferenceSteps = count;
    this.#timesteps = spacedTimesteps(count, this.config);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor): Required<Pick<StepResult, 'prevSample' | 'predOriginalSample'>> {
    if (this.#numInferenceSteps === undefined) throw new ThimbleError('ERR_SCHEDULER_NOT_STARTED', { scheduler: 'CogVideoXDDIMScheduler' });
    checkStepTensors(modelOutput, sample);
    const prevTimestep = timestep - Math.floor(this.config.num_train_timesteps / this.#numInferenceSteps);
    const alphaProdT = atTimestep(this.alphasCumprod, timestep);
    const alphaProdTPrev = prevTimestep >= 0 ? atTimestep(this.alphasCumprod, prevTimestep) : this.#finalAlphaCumprod;

    const predOriginalSample = predictOriginalSample(this.config.prediction_type, modelOutput, sample, alphaProdT);

    // The noise in the sample shrinks by `sampleWeight`, and the image is topped up to √ᾱ of the next timestep.
    const sampleWeight = Math.sqrt((1 - alphaProdTPrev) / (1 - alphaProdT));
    const originalWeight = Math.sqrt(alphaProdTPrev) - Math.sqrt(alphaProdT) * sampleWeight;
    return { prevSample: weightedSum([sampleWeight, sample], [originalWeight, predOriginalSample]), predOriginalSample };
  }
}
