import type { Tensor } from 'onnxruntime-common';

/**
 * A source of standard normal noise: where pipelines and schedulers draw from, and only there. Two runs that are handed
 * the same numbers in the same order give the same images.
 */
export interface Generator {
  /** Draws a float32 tensor of the shape `dims`, each element from N(0, 1). */
  randn(dims: readonly number[]): Tensor;
  /** The same numbers, drawn in slices of time so that others have their turn meanwhile; nobody else may draw until they are there. @throws `signal.reason` */
  randnInSlices?(dims: readonly number[], signal?: AbortSignal): Promise<Tensor>;
}
