import { createScheduler, isThimbleError, schedulerName, schedulerRegistry, type Scheduler } from '@thimble/core';
import type { SchedulerFlags } from './SchedulerFlags.js';
import { flagsTakenBy, schedulerOverrides } from './schedulerOverrides.js';

/** What `thimble schedulers` says of one. */
export interface SchedulerReport {
  readonly name: string;
  readonly className: string;
  /** The options of `thimble generate` that have an effect with it. */
  readonly takes: readonly string[];
  /** One for each call of the model. */
  readonly timesteps: readonly number[];
  /** Noise over image at each timestep; infinite where nothing is left of the image. */
  readonly noiseLevels: readonly number[];
}

/** What Stable Diffusion was trained with. */
const STABLE_DIFFUSION = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
  skip_prk_steps: true,
  clip_sample: false,
};

/** Looks at a scheduler as Stable Diffusion uses it, with what `flags` ask for where it takes it; undefined if it cannot do so many steps. */
export function reportScheduler(
  className: string,
  steps: number,
  flags: SchedulerFlags = {},
): SchedulerReport | undefined {
  const plain = createScheduler(className, {});
  const wanted = Object.entries({ ...STABLE_DIFFUSION, ...schedulerOverrides(flags) }).filter(
    ([field]) => field in plain.config,
  );
  const scheduler = createScheduler(className, Object.fromEntries(wanted));
  try {
    scheduler.setTimesteps(steps);
  } catch (error) {
    if (isThimbleError(error, 'ERR_ARGUMENT_INVALID')) return undefined;
    throw error;
  }
  return {
    name: schedulerName(className),
    className,
    takes: flagsTakenBy(plain),
    timesteps: scheduler.timesteps,
    noiseLevels: noiseLevels(scheduler),
  };
}

/** The class names of all schedulers, by their short names. */
export function schedulerClassNames(): string[] {
  return Object.keys(schedulerRegistry).sort((a, b) => schedulerName(a).localeCompare(schedulerName(b)));
}

/** Schedulers know σ of each step, in flow matching beside 1 - σ of the image; or ᾱ of each training timestep. */
function noiseLevels(scheduler: Scheduler & { readonly alphasCumprod?: ArrayLike<number> }): number[] {
  const { timesteps, sigmas, alphasCumprod } = scheduler;
  if (sigmas === undefined)
    return timesteps.map((t) =>
      Math.sqrt((1 - (alphasCumprod?.[t] ?? Number.NaN)) / (alphasCumprod?.[t] ?? Number.NaN)),
    );
  return timesteps.map((_, i) => (alphasCumprod === undefined ? sigmas[i]! / (1 - sigmas[i]!) : sigmas[i]!));
}
