import { ThimbleError } from '../../errors.js';
import type { ConfigValues } from '../../fields/Field.js';
import { atTimestep } from '../numeric/atTimestep.js';
import type { betaFields } from '../numeric/betaSchedule.js';
import { allTimesteps, spacedTimesteps, type spacingFields } from '../numeric/spacedTimesteps.js';
import type { ReadSchedulerConfig, SchedulerConfig } from '../readSchedulerConfig.js';
import type { SetTimestepsOptions } from '../Scheduler.js';
import { AlphaScheduler, type NoiseTables } from './AlphaScheduler.js';
import { resolveStepCount } from './resolveStepCount.js';

type EvenStepConfig = SchedulerConfig &
  ConfigValues<typeof betaFields> &
  ConfigValues<typeof spacingFields> & { readonly set_alpha_to_one: boolean };

/** A scheduler whose run follows from its number of steps alone: each goes back by the same number of training timesteps, the last one to the image. */
export abstract class EvenStepScheduler<C extends EvenStepConfig> extends AlphaScheduler<C> {
  readonly #finalAlphaCumprod: number;
  #timesteps: readonly number[];
  #numInferenceSteps: number | undefined;

  protected constructor(read: ReadSchedulerConfig<C>, noise: NoiseTables) {
    super(read, noise);
    this.#finalAlphaCumprod = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
    this.#timesteps = allTimesteps(this.config);
  }

  get timesteps(): readonly number[] {
    return this.#timesteps;
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: this.config._class_name,
      max: this.config.num_train_timesteps,
    });
    this.#numInferenceSteps = count;
    this.#timesteps = spacedTimesteps(count, this.config);
  }

  /** The timestep that a step goes to, below 0 at the end. @throws `ERR_SCHEDULER_NOT_STARTED` before `setTimesteps` */
  protected prevTimestep(timestep: number): number {
    if (this.#numInferenceSteps === undefined)
      throw new ThimbleError('ERR_SCHEDULER_NOT_STARTED', { scheduler: this.config._class_name });
    return timestep - Math.floor(this.config.num_train_timesteps / this.#numInferenceSteps);
  }

  /** ᾱ of a training timestep, or below 0 that of the end. */
  protected alphaProd(timestep: number): number {
    return timestep >= 0 ? atTimestep(this.alphasCumprod, timestep) : this.#finalAlphaCumprod;
  }
}
