import type { SchedulerClass } from './Scheduler.js';
import * as schedulers from './schedulers.js';

/** The schedulers that thimble has, by the `_class_name` of their configs: all that `schedulers.ts` lists. */
export const schedulerRegistry: Readonly<Record<string, SchedulerClass>> = { ...schedulers };
