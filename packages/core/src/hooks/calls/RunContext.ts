import type { RunMemory } from './RunMemory.js';

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
  /** What `generate` returns; set once the run has succeeded. */
  result?: object | undefined;
  /** Why the run failed; set once it has. An aborted run has `signal.reason` here. */
  error?: unknown;
  /** What the run took; set before `afterRun`. */
  memory?: RunMemory | undefined;
}
