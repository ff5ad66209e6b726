import type { Tensor } from 'onnxruntime-common';

/**
 * Where denoising begins. Each way to begin is a file beside this one that makes such a value: from noise; from an image that noise is added to; from an
 * image and a mask. {@link denoise} does the rest, so that every pipeline can begin in every way.
 */
export interface Start {
  /** The latents before the first step, at the scheduler's scale; float32, a batch with one of each picture. */
  readonly latents: Tensor;
  /** The first of the scheduler's timesteps that is done; those before it are left out. 0 does all of them. */
  readonly beginIndex: number;
  /**
   * What the model is given in place of the latents, which the scheduler has scaled already: with a mask and the masked image as more channels, for
   * models that were trained to fill in. The latents themselves by default.
   */
  readonly modelInput?: (latents: Tensor, timestep: number) => Tensor;
  /**
   * Changes the latents after a step, before the `afterStep` hook sees them: puts back what a mask protects, with the noise of the step that comes
   * next. `next` is its timestep; `undefined` after the last step.
   */
  readonly afterStep?: (latents: Tensor, next: number | undefined) => Tensor | Promise<Tensor>;
}
