import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../../errors.js';

/**
 * The elements of a float32 tensor, not copied.
 *
 * @param dims the shape it must have, if any
 * @throws `ERR_TENSOR_DTYPE` if it is not float32; `ERR_TENSOR_SHAPE` if it has another shape than `dims`
 */
export function float32Data(tensor: Tensor, dims?: readonly number[]): Float32Array {
  if (tensor.type !== 'float32') throw new ThimbleError('ERR_TENSOR_DTYPE', { got: tensor.type, expected: 'float32' });
  if (dims && !(dims.length === tensor.dims.length && dims.every((dim, axis) => dim === tensor.dims[axis]))) {
    throw new ThimbleError('ERR_TENSOR_SHAPE', { got: tensor.dims, expected: dims });
  }
  return tensor.data as Float32Array;
}
