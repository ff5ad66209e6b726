import type { DiffusionPipeline } from '@thimble/core';
import { checkSchedulerFlags, schedulerOverrides } from './schedulerOverrides.js';
import type { SchedulerFlags } from './SchedulerFlags.js';

/**
 * Gives a pipeline, which was opened with `--scheduler`, one with the spacing and the solver that the options ask for; leaves its own if they ask for nothing.
 *
 * @throws CliError for an option that the scheduler has no use for; `ERR_CONFIG_INVALID`
 */
export function chooseScheduler(pipe: DiffusionPipeline, flags: SchedulerFlags): void {
  const overrides = schedulerOverrides(flags, pipe.scheduler.config);
  if (Object.keys(overrides).length === 0) return;
  const scheduler = pipe.createScheduler(pipe.scheduler.config._class_name, overrides);
  checkSchedulerFlags(scheduler, flags);
  pipe.scheduler = scheduler;
}
