import { refuseOption } from '../fields/refuseOption.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import { roundHalfEven } from '../schedulers/numeric/numpy.js';

/** Which share of the denoising a run does, where it does not do all of it. */
export interface DenoisingShare {
  /** What was done before, from 0 to 1. */
  readonly denoisingStart?: number | undefined;
  /** Where the run stops, from 0 to 1. */
  readonly denoisingEnd?: number | undefined;
}

/** Which of the scheduler's timesteps a run does: from the one at `beginIndex` to the one before `endIndex`. */
export interface DenoisingWindow {
  readonly beginIndex: number;
  readonly endIndex: number;
}

/**
 * The timesteps for a share of the denoising, by the timesteps that the model was trained with: with 1000 of them an end of 0.8 leaves out those below 200, and a start of 0.8
 * does just these (source: diffusers pipelines/stable_diffusion_xl).
 *
 * @throws ERR_ARGUMENT_INVALID for an end that is not after the start, or a share without a step
 */
export function denoisingWindow(
  scheduler: Scheduler,
  { denoisingStart: start, denoisingEnd: end }: DenoisingShare,
): DenoisingWindow {
  const { timesteps, order } = scheduler;
  if (start !== undefined && end !== undefined && end <= start)
    refuseOption('denoisingEnd', end, `more than denoisingStart, ${start}`);
  const trained = Number(scheduler.config['num_train_timesteps'] ?? 1000);
  const cutoff = (share: number): number => roundHalfEven(trained - share * trained);
  let beginIndex = 0;
  if (start !== undefined) {
    const left = timesteps.filter((timestep) => timestep < cutoff(start)).length;
    // A solver that calls the model twice a step begins with a whole step.
    beginIndex = Math.max(0, timesteps.length - (order === 2 && left > 0 && left % 2 === 0 ? left + 1 : left));
  }
  const window = timesteps.slice(beginIndex);
  const done = end === undefined ? window.length : window.filter((timestep) => timestep >= cutoff(end)).length;
  if (done === 0)
    refuseOption(
      end === undefined ? 'denoisingStart' : 'denoisingEnd',
      end ?? start,
      `a share with at least one of the ${timesteps.length} steps; take more steps, or another share`,
    );
  return { beginIndex, endIndex: beginIndex + done };
}
