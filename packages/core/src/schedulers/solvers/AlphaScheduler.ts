import type { Tensor } from 'onnxruntime-common';
import type { ConfigValues } from '../../fields/Field.js';
import { addNoiseByAlpha } from '../numeric/addNoiseByAlpha.js';
import type { betaFields } from '../numeric/betaSchedule.js';
import type { ReadSchedulerConfig, SchedulerConfig } from '../readSchedulerConfig.js';
import type { Scheduler, SetTimestepsOptions, StepOptions, StepResult } from '../Scheduler.js';
import { ConfiguredScheduler } from './ConfiguredScheduler.js';

/** A table over the training timesteps. */
export type TimestepTable = Float32Array | Float64Array;

/** The noise of each training timestep. */
export interface NoiseTables {
  readonly betas: TimestepTable;
  readonly alphasCumprod: TimestepTable;
}

/**
 * A scheduler that looks ᾱ up by training timestep: its latents have the variance of the image and the noise together, 1, so
 * they are neither scaled at the start nor for the model.
 */
export abstract class AlphaScheduler<C extends SchedulerConfig & ConfigValues<typeof betaFields>>
  extends ConfiguredScheduler<C>
  implements Scheduler
{
  /** β of each training timestep. */
  readonly betas: TimestepTable;
  /** ᾱ of each training timestep. */
  readonly alphasCumprod: TimestepTable;
  readonly initNoiseSigma = 1;
  readonly order: number = 1;

  protected constructor(read: ReadSchedulerConfig<C>, { betas, alphasCumprod }: NoiseTables) {
    super(read);
    this.betas = betas;
    this.alphasCumprod = alphasCumprod;
  }

  abstract get timesteps(): readonly number[];

  abstract setTimesteps(numInferenceSteps: number | undefined, options?: SetTimestepsOptions): void;

  abstract step(modelOutput: Tensor, timestep: number, sample: Tensor, options?: StepOptions): StepResult;

  scaleModelInput(sample: Tensor): Tensor {
    return sample;
  }

  addNoise(original: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    return addNoiseByAlpha(this.alphasCumprod, original, noise, timesteps);
  }
}
