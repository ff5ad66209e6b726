import type { RunPicture } from '../hooks/calls/RunContext.js';

/** A run whose options are checked and whose scheduler is set. A pipeline adds what its `sample` goes by. */
export interface PreparedRun {
  /** How many times the denoiser will be called. */
  readonly steps: number;
  /** The options with their defaults, as hooks see them. */
  readonly options: object;
  /** See {@link RunContext.pictures}. Known once they are read. */
  readonly encodes?: readonly RunPicture[];
}

/** A run that was checked before its turn. */
export interface JudgedRun<V, R extends PreparedRun> {
  /** Its options, checked one by one. */
  readonly given: V;
  /** What it would be now; absent where the scheduler cannot be copied, and is another run's. */
  readonly prepared: R | undefined;
}
