import { schedulerRegistry, type DiffusionPipeline } from '@thimble/core';
import { checkSchedulerFlags, schedulerOverrides } from './schedulerOverrides.js';
import { findScheduler } from './schedulerNames.js';
import type { SchedulerFlags } from './SchedulerFlags.js';

/**
 * Gives a pipeline the scheduler that the options ask for, made from the config of its own; leaves its own if they ask for nothing.
 *
 * @throws CliError for an option that the scheduler has no use for; `ERR_SCHEDULER_UNKNOWN`, `ERR_CONFIG_INVALID`
 */
export function chooseScheduler(
  pipe: DiffusionPipeline,
  flags: SchedulerFlags & { readonly scheduler?: string },
): void {
  const overrides = schedulerOverrides(flags, pipe.scheduler.config);
  if (flags.scheduler === undefined && Object.keys(overrides).length === 0) return;
  const name = flags.scheduler ?? pipe.scheduler.config._class_name;
  const scheduler = pipe.createScheduler(findScheduler(name, Object.keys(schedulerRegistry)), overrides);
  checkSchedulerFlags(scheduler, flags);
  pipe.scheduler = scheduler;
}
