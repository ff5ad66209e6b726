import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';

/** @throws ERR_LATENTS_NAN if a float32 tensor has a NaN or infinity, where `where` ends the sentence "contain NaN …"; ERR_ARGUMENT_INVALID for what is no float32 tensor */
export function assertFinite(tensor: Tensor, where: string): void {
  const { type, data } = (tensor ?? {}) as Partial<Tensor>;
  if (type !== 'float32' || !(data instanceof Float32Array))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'latents',
      value: tensor,
      expected: 'a float32 Tensor',
    });
  for (const value of data) if (!Number.isFinite(value)) throw new ThimbleError('ERR_LATENTS_NAN', { where });
}
