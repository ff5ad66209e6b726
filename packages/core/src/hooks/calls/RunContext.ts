import type { RunMemory } from './RunMemory.js';

/** A picture that a run is given, and the VAE encodes. */
export interface RunPicture {
  /** In pixels, as it is encoded. */
  readonly width: number;
  readonly height: number;
  /** Whether the denoiser looks at it beside its own in each step, as at a reference; else the run begins with it. */
  readonly isReference: boolean;
}

/** One `generate`, from its first hook to its last. */
export interface RunContext {
  /** Counts the pipeline's runs, from 1. */
  readonly id: number;
  readonly prompt: string | readonly string[];
  /** What `generate` was called with, defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
  /** What plugins keep for the length of this run. Use a key nobody else has: a symbol, or the plugin itself. */
  readonly state: Map<unknown, unknown>;
  /** Number of model steps the run will take. */
  readonly steps: number;
  /** Pictures that the VAE encodes for it; none, or absent, for a run from text alone. */
  readonly pictures?: readonly RunPicture[] | undefined;
  /** What `generate` returns; set once the run has succeeded. */
  result?: object | undefined;
  /** Why the run failed; set once it has. An aborted run has `signal.reason` here. */
  error?: unknown;
  /** What the run took; set before `afterRun`. */
  memory?: RunMemory | undefined;
}
