import { ThimbleError } from '../../errors.js';

/**
 * Where a run stands in its schedule. Timesteps may repeat in it, so a step is known by its place, which is looked up at the first step and
 * counted from there.
 */
export class ScheduleCursor {
  #index: number | undefined;
  #begin: number | undefined;

  /** Starts over, as for a new run. */
  reset(): void {
    this.#index = undefined;
    this.#begin = undefined;
  }

  /** Says at which place of the schedule the run starts, as diffusers' `set_begin_index`. */
  beginAt(index: number): void {
    this.#begin = index;
  }

  /**
   * The place of the step at `timestep`.
   *
   * @throws `ERR_ARGUMENT_INVALID` if it is not the next one of `timesteps`
   */
  at(timesteps: readonly number[], timestep: number): number {
    const index = this.#index ?? this.#begin ?? placeOf(timesteps, timestep);
    if (timesteps[index] === timestep) return (this.#index = index);
    const next = timesteps[index];
    const expected =
      next === undefined
        ? 'none: all steps are done, and setTimesteps starts a new run'
        : `${next}, the next of the scheduler's timesteps`;
    throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'timestep', value: timestep, expected });
  }

  /** A step is done. */
  advance(): void {
    this.#index = (this.#index ?? 0) + 1;
  }
}

/**
 * The place of `timestep` in a schedule. Where it comes more than once, the second place, so that a run that starts in the middle of the
 * schedule leaves out no noise level, as in diffusers.
 *
 * @throws `ERR_ARGUMENT_INVALID` if it is none of them
 */
export function placeOf(timesteps: readonly number[], timestep: number): number {
  const first = timesteps.indexOf(timestep);
  if (first < 0)
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'timestep',
      value: timestep,
      expected: "one of the scheduler's timesteps",
    });
  const second = timesteps.indexOf(timestep, first + 1);
  return second < 0 ? first : second;
}
