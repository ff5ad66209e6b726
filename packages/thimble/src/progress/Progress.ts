import type { RunEvent } from './RunEvent.js';
import type { RunReport } from './RunReport.js';

/** Tells the user, or the program that reads along, how a run goes. */
export interface Progress {
  /** The run begins. */
  start(title: string): void;
  event(event: RunEvent): void;
  /** A picture was asked for at `wanted` and written to `path`. */
  written(path: string, wanted: string): void;
  done(report: RunReport): void;
  /** Leaves the screen tidy; also after a failure. Idempotent. */
  close(): void;
}
