import type { Tensor } from 'onnxruntime-common';
import type { Generator } from './Generator.js';

/** Noise of a generator, in slices of time where it can. @throws `signal.reason` */
export async function drawNoise(generator: Generator, dims: readonly number[], signal?: AbortSignal): Promise<Tensor> {
  return generator.randnInSlices === undefined ? generator.randn(dims) : generator.randnInSlices(dims, signal);
}
