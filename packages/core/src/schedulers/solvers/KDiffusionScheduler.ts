import type { Tensor } from 'onnxruntime-common';
import type { ConfigValues } from '../../fields/Field.js';
import { addNoise } from '../numeric/addNoise.js';
import { betaFields } from '../numeric/betaSchedule.js';
import type { PredictionType } from '../numeric/predictOriginalSample.js';
import { sigmaSpacingFields } from '../numeric/spacedTimesteps.js';
import { mapTensor, weightedSum } from '../numeric/tensors.js';
import type { ReadSchedulerConfig, SchedulerConfig } from '../readSchedulerConfig.js';
import type { Scheduler, SetTimestepsOptions, StepOptions, StepResult } from '../Scheduler.js';
import { ConfiguredScheduler } from './ConfiguredScheduler.js';
import { SigmaRun } from './SigmaRun.js';
import { TrainedSigmas } from './TrainedSigmas.js';

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
export abstract class KDiffusionScheduler<C extends KDiffusionConfig>
  extends ConfiguredScheduler<C>
  implements Scheduler
{
  /** β of each training timestep. */
  readonly betas: Float32Array;
  /** ᾱ of each training timestep. */
  readonly alphasCumprod: Float32Array;
  readonly order: number = 1;
  protected readonly trained: TrainedSigmas;
  protected readonly run: SigmaRun;

  protected constructor(read: ReadSchedulerConfig<C>) {
    super(read);
    this.trained = new TrainedSigmas(this.config);
    this.run = new SigmaRun(this.config._class_name, this.trained.schedule);
    this.betas = this.trained.betas;
    this.alphasCumprod = this.trained.alphasCumprod;
  }

  get timesteps(): readonly number[] {
    return this.run.timesteps;
  }

  get sigmas(): readonly number[] {
    return this.run.sigmas;
  }

  get initNoiseSigma(): number {
    const most = Math.max(...this.sigmas);
    return this.config.timestep_spacing === 'leading' ? Math.fround(Math.sqrt(most ** 2 + 1)) : most;
  }

  /** {@inheritDoc Scheduler.setBeginIndex} */
  setBeginIndex(index: number): void {
    this.run.beginAt(index);
  }

  abstract setTimesteps(numInferenceSteps: number | undefined, options?: SetTimestepsOptions): void;

  abstract step(modelOutput: Tensor, timestep: number, sample: Tensor, options?: StepOptions): StepResult;

  /** Divides by √(σ² + 1): the model expects a variance of 1. */
  scaleModelInput(sample: Tensor, timestep: number): Tensor {
    const scale = Math.sqrt(this.sigmas[this.run.stepIndex(timestep)]! ** 2 + 1);
    return mapTensor(sample, (x) => x / scale);
  }

  addNoise(original: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    return addNoise(original, noise, timesteps, (timestep) => [1, this.run.sigmaAt(timestep)]);
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
}
