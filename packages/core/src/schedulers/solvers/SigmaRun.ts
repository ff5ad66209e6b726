import { ThimbleError } from '../../errors.js';
import { placeOf, ScheduleCursor } from './ScheduleCursor.js';

/** A run's timesteps and noise levels, from noise to image. */
export interface SigmaSchedule {
  readonly timesteps: readonly number[];
  /** At least one more than timesteps: the last one is what is left at the end. */
  readonly sigmas: readonly number[];
}

/**
 * The run of a scheduler that works with noise levels, σ: one for each timestep, and one for the end. A step is known by its place
 * in them.
 */
export class SigmaRun {
  readonly #scheduler: string;
  readonly #cursor = new ScheduleCursor();
  #schedule: SigmaSchedule;
  #started = false;

  /**
   * @param scheduler the class's name, for errors
   * @param whole the schedule of all training timesteps: what there is before {@link SigmaRun.begin}
   */
  constructor(scheduler: string, whole: SigmaSchedule) {
    this.#scheduler = scheduler;
    this.#schedule = whole;
  }

  get timesteps(): readonly number[] {
    return this.#schedule.timesteps;
  }

  get sigmas(): readonly number[] {
    return this.#schedule.sigmas;
  }

  /**
   * Starts a run along a schedule. Noise levels are rounded to float32, as diffusers'.
   *
   * @throws `ERR_CONFIG_INVALID` where the config's betas leave no numbers as timesteps, as where all is noise from the beginning
   */
  begin({ timesteps, sigmas }: SigmaSchedule): void {
    const wrong = timesteps.find((timestep) => !Number.isFinite(timestep));
    if (wrong !== undefined)
      throw new ThimbleError('ERR_CONFIG_INVALID', {
        component: this.#scheduler,
        field: 'beta_start',
        value: `timesteps of ${wrong}`,
        expected: 'betas above 0 and below 1, which give timesteps that are numbers',
      });
    this.#schedule = { timesteps, sigmas: sigmas.map(Math.fround) };
    this.#cursor.reset();
    this.#started = true;
  }

  /** Says at which place of the schedule the run starts, as diffusers' `set_begin_index`. */
  beginAt(index: number): void {
    this.#cursor.beginAt(index);
  }

  /**
   * The place of the step at `timestep`.
   *
   * @throws `ERR_SCHEDULER_NOT_STARTED` before {@link SigmaRun.begin}; `ERR_ARGUMENT_INVALID` if it is not the next one
   */
  stepIndex(timestep: number): number {
    if (!this.#started) throw new ThimbleError('ERR_SCHEDULER_NOT_STARTED', { scheduler: this.#scheduler });
    return this.#cursor.at(this.timesteps, timestep);
  }

  /** The step at {@link SigmaRun.stepIndex} is done. */
  advance(): void {
    this.#cursor.advance();
  }

  /**
   * The noise level of any of the timesteps.
   *
   * @throws `ERR_ARGUMENT_INVALID` if it is none of them
   */
  sigmaAt(timestep: number): number {
    return this.sigmas[placeOf(this.timesteps, timestep)]!;
  }
}
