import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';

/** @throws ERR_LATENTS_NAN if a float32 tensor has a NaN or infinity; `where` ends the sentence "contain NaN …". */
export function assertFinite(tensor: Tensor, where: string): void {
  for (const value of tensor.data as Float32Array)
    if (!Number.isFinite(value)) throw new ThimbleError('ERR_LATENTS_NAN', { where });
}
