import type { Tensor } from 'onnxruntime-common';
import type { RunContext } from './RunContext.js';

/** One denoising step. */
export interface StepContext {
  /** From 0 to `run.steps - 1`. */
  readonly index: number;
  /** The scheduler's timestep. */
  readonly timestep: number;
  /** Before or after the step, as the hook is; replaceable. */
  latents: Tensor;
  readonly run: RunContext;
  readonly signal?: AbortSignal | undefined;
}
