import type { Tensor } from 'onnxruntime-common';
import type { RunContext } from './RunContext.js';

/** One denoising step. */
export interface StepContext {
  /** From 0 to `run.steps - 1`. */
  readonly index: number;
  /** The scheduler's timestep: from 0 to `num_train_timesteps`, also between whole ones. */
  readonly timestep: number;
  /**
   * Before or after the step, as the hook is: float32 [n, c, h, w], of videos [n, frames, c, h, w], of the scheduler's scale: about unit noise times σ at first, unit variance in
   * the end. `n` is prompts × pictures of each, without the half for guidance. Replaceable by a tensor of the same shape; never written to in place, because the scheduler may keep it.
   */
  latents: Tensor;
  readonly run: RunContext;
  readonly signal?: AbortSignal | undefined;
}
