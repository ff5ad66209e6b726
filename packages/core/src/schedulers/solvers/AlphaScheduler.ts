import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../../errors.js';
import type { ConfigValues } from '../../fields/Field.js';
import { addNoise } from '../numeric/addNoise.js';
import type { betaFields } from '../numeric/betaSchedule.js';
import { allTimesteps } from '../numeric/spacedTimesteps.js';
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
 * A scheduler that looks ᾱ up by training timestep. Its latents have the variance of the image and the noise together, 1, so
 * they are neither scaled at the start nor for the model.
 *
 * Source: J. Ho et al., "Denoising Diffusion Probabilistic Models", 2020, eq. 4.
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
  /** ᾱ of the latents that the last step of a run makes. */
  protected abstract readonly finalAlphaCumprod: number;
  #timesteps: readonly number[];
  #numInferenceSteps: number | undefined;

  /** @param timesteps what {@link Scheduler.timesteps} has before `setTimesteps`: by default all that were trained */
  protected constructor(
    read: ReadSchedulerConfig<C>,
    { betas, alphasCumprod }: NoiseTables,
    timesteps: readonly number[] = allTimesteps(read.config),
  ) {
    super(read);
    this.betas = betas;
    this.alphasCumprod = alphasCumprod;
    this.#timesteps = timesteps;
  }

  get timesteps(): readonly number[] {
    return this.#timesteps;
  }

  abstract setTimesteps(numInferenceSteps: number | undefined, options?: SetTimestepsOptions): void;

  abstract step(modelOutput: Tensor, timestep: number, sample: Tensor, options?: StepOptions): StepResult;

  scaleModelInput(sample: Tensor): Tensor {
    return sample;
  }

  /** `√ᾱ · original + √(1 - ᾱ) · noise`, with the ᾱ of each sample's timestep. */
  addNoise(original: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    return addNoise(original, noise, timesteps, (timestep) => {
      const alphaProd = this.alphaProd(timestep);
      return [Math.sqrt(alphaProd), Math.sqrt(1 - alphaProd)];
    });
  }

  /** Starts a run that calls the model at `timesteps`. */
  protected begin(timesteps: readonly number[], numInferenceSteps: number): void {
    this.#timesteps = timesteps;
    this.#numInferenceSteps = numInferenceSteps;
  }

  /**
   * Checks that `setTimesteps` has started a run, and gives its number of steps.
   *
   * @throws `ERR_SCHEDULER_NOT_STARTED`
   */
  protected checkStarted(): number {
    if (this.#numInferenceSteps !== undefined) return this.#numInferenceSteps;
    throw new ThimbleError('ERR_SCHEDULER_NOT_STARTED', { scheduler: this.config._class_name });
  }

  /**
   * ᾱ of a training timestep.
   *
   * @throws `ERR_ARGUMENT_INVALID` if the timestep was not trained
   */
  protected alphaProd(timestep: number): number {
    const alphaProd = this.alphasCumprod[timestep];
    if (alphaProd !== undefined) return alphaProd;
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'timestep',
      value: timestep,
      expected: `an integer from 0 to ${this.alphasCumprod.length - 1}, one of the scheduler's timesteps`,
    });
  }

  /** ᾱ of the timestep that a step goes to: below 0, which is the end of the run, that of the end. */
  protected alphaProdPrev(prevTimestep: number): number {
    return prevTimestep >= 0 ? this.alphaProd(prevTimestep) : this.finalAlphaCumprod;
  }
}
