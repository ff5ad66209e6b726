import type { RunContext } from './RunContext.js';

/** Options of a component's call. */
export interface CallOptions {
  /** Outputs to compute; the entry point's own choice by default. */
  readonly outputs?: readonly string[] | undefined;
  /**
   * Where the outputs are to lie, as the runtime calls it. 'ml-tensor': on the device, for a call of another component of it, so that they never pass through this process; whoever asked for it
   * calls `dispose()` of each when it is done with, and `getData()` where the elements are needed. A wish: what has to be put together here, such as a batch that is computed in parts, lies here. Default 'cpu'.
   */
  readonly preferredOutputLocation?: 'cpu' | 'ml-tensor' | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The run this call is part of. */
  readonly run?: RunContext | undefined;
}
