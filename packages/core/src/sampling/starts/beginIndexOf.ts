import { refuseOption } from '../../fields/refuseOption.js';
import type { Scheduler } from '../../schedulers/Scheduler.js';

/** What becomes of a step that a strength covers in part: it is left out, or done, as diffusers' pipelines for flow matching have it. */
export type StepRounding = 'down' | 'up';

/**
 * The first of a scheduler's timesteps that a run from a picture does, so that it does `strength` of `steps`: int(steps · strength), or one more where that is rounded up.
 *
 * @throws ERR_ARGUMENT_INVALID where that is none
 */
export function beginIndexOf(
  { order }: Scheduler,
  steps: number,
  strength: number,
  rounding: StepRounding = 'down',
): number {
  const share = Math.min(steps * strength, steps);
  const done = rounding === 'up' ? steps - Math.trunc(steps - share) : Math.trunc(share);
  if (done < 1)
    refuseOption(
      'strength',
      strength,
      `at least 1 / ${steps}: of ${steps} steps it would leave none; or take more steps`,
    );
  return (steps - done) * order;
}
