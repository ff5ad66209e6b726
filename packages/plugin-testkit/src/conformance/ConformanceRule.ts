import type { Bench } from './Bench.js';

/** One thing that holds for every plugin. */
export interface ConformanceRule {
  /** What tests and reports call it. */
  readonly name: string;
  /** What must hold, as a sentence about the plugin. */
  readonly summary: string;
  /** Throws where it does not hold, and says what does instead. */
  readonly check: (bench: Bench) => Promise<void>;
}
