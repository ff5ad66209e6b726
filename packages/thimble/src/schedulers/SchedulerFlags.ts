/** The options that say how noise levels are spaced, and how a solver works: for `generate` and `schedulers`. */
export interface SchedulerFlags {
  readonly karras?: boolean;
  readonly exponential?: boolean;
  readonly beta?: boolean;
  readonly sde?: boolean;
  readonly solverOrder?: number;
  readonly spacing?: string;
}
