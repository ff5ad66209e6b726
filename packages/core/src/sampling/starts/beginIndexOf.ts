import { refuseOption } from '../../fields/readOptions.js';
import type { Scheduler } from '../../schedulers/Scheduler.js';

/**
 * The first of a scheduler's timesteps that a run from a picture does, so that it does `strength` of `steps`: int(steps · strength).
 *
 * @throws ERR_ARGUMENT_INVALID where that is none
 */
export function beginIndexOf({ order }: Scheduler, steps: number, strength: number): number {
  const done = Math.min(Math.trunc(steps * strength), steps);
  if (done < 1)
    refuseOption(
      'strength',
      strength,
      `at least 1 / ${steps}: of ${steps} steps it would leave none; or take more steps`,
    );
  return (steps - done) * order;
}
