import { DDIMScheduler } from './DDIMScheduler.js';
import { PNDMScheduler } from './PNDMScheduler.js';
import type { SchedulerClass } from './Scheduler.js';

/** The schedulers that thimble has, by the `_class_name` of their configs. */
export const schedulerRegistry: Readonly<Record<string, SchedulerClass>> = {
  DDIMScheduler,
  PNDMScheduler,
};
