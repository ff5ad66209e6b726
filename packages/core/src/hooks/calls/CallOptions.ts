import type { RunContext } from './RunContext.js';

/** Options of a component's call. */
export interface CallOptions {
  /** Outputs to compute; the entry point's own choice by default. */
  readonly outputs?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The run this call is part of. */
  readonly run?: RunContext | undefined;
}
