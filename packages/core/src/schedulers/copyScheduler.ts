import type { Scheduler, SchedulerClass } from './Scheduler.js';

/** A scheduler of the same class and config without a run; undefined where its class cannot be made of a config. */
export function copyScheduler(scheduler: Scheduler): Scheduler | undefined {
  const { fromConfig } = scheduler.constructor as Partial<SchedulerClass>;
  return typeof fromConfig === 'function' ? fromConfig.call(scheduler.constructor, scheduler.config) : undefined;
}
