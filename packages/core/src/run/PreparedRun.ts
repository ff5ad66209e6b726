/** A run whose options are checked and whose scheduler is set. A pipeline adds what its `sample` goes by. */
export interface PreparedRun {
  /** How many times the denoiser will be called. */
  readonly steps: number;
  /** The options with their defaults, as hooks see them. */
  readonly options: object;
}
