import type { SchedulerFlags } from './SchedulerFlags.js';

/** The options of `thimble schedulers`, as commander parsed them. */
export interface SchedulersFlags extends SchedulerFlags {
  readonly steps: number;
  readonly svg?: string;
  readonly json?: boolean;
}
