import type { Tensor } from 'onnxruntime-common';
import type { ConfigValues } from '../../fields/Field.js';
import { betaFields } from '../numeric/betaSchedule.js';
import type { PredictionType } from '../numeric/predictOriginalSample.js';
import { sigmaSpacingFields } from '../numeric/spacedTimesteps.js';
import { mapTensor, weightedSum } from '../numeric/tensors.js';
import type { SchedulerConfig } from '../readSchedulerConfig.js';
import { TrainedSigmaScheduler } from './TrainedSigmaScheduler.js';

/** The config fields that all of them have. */
export const kDiffusionFields = { ...betaFields, ...sigmaSpacingFields };

type KDiffusionConfig = SchedulerConfig &
  ConfigValues<typeof kDiffusionFields> & {
    readonly prediction_type: PredictionType | 'original_sample';
    readonly rescale_betas_zero_snr?: boolean;
  };

/**
 * The schedulers of k-diffusion: latents are an image plus σ times unit noise, so they start at the largest σ, and are scaled down to
 * the variance that the model knows before each call.
 *
 * Source: T. Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022.
 */
export abstract class KDiffusionScheduler<C extends KDiffusionConfig> extends TrainedSigmaScheduler<C> {
  get initNoiseSigma(): number {
    const most = Math.max(...this.sigmas);
    return this.config.timestep_spacing === 'leading' ? Math.fround(Math.sqrt(most ** 2 + 1)) : most;
  }

  /** Divides by √(σ² + 1): the model expects a variance of 1. */
  scaleModelInput(sample: Tensor, timestep: number): Tensor {
    const scale = Math.sqrt(this.sigmas[this.stepIndex(timestep)]! ** 2 + 1);
    return mapTensor(sample, (x) => x / scale);
  }

  /** The image that the model sees in `sample`, at the noise level `sigma`. */
  protected predictOriginalSample(modelOutput: Tensor, sample: Tensor, sigma: number): Tensor {
    switch (this.config.prediction_type) {
      case 'epsilon':
        return weightedSum([1, sample], [-sigma, modelOutput]);
      case 'v_prediction':
        return weightedSum([-sigma / Math.sqrt(sigma ** 2 + 1), modelOutput], [1 / (sigma ** 2 + 1), sample]);
      default:
        return modelOutput;
    }
  }

  protected mixture(sigma: number): readonly [image: number, noise: number] {
    return [1, sigma];
  }
}
