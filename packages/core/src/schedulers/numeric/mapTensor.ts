import { Tensor } from 'onnxruntime-common';
import { float32Data } from './float32Data.js';

/**
 * `f` of each element: a new float32 tensor of the same shape.
 *
 * @throws `ERR_TENSOR_DTYPE` unless the tensor is float32
 */
export function mapTensor(tensor: Tensor, f: (x: number) => number): Tensor {
  return new Tensor('float32', float32Data(tensor).map(f), tensor.dims);
}
