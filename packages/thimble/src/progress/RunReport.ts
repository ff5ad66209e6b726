import type { RunMemory, RunTimings } from '@thimble/core';

/** What a run has made, and what it took. */
export interface RunReport {
  /** Paths of the files. */
  readonly images: readonly string[];
  /** How many of the files are videos. Default: none. */
  readonly videos?: number;
  readonly seeds: readonly number[];
  readonly timings: RunTimings;
  readonly memory: RunMemory;
}
