import { Tensor } from 'onnxruntime-common';
import { float32Data } from './float32Data.js';

/**
 * `f` of the elements of several tensors, place by place: a new float32 tensor.
 *
 * @throws `ERR_TENSOR_DTYPE` unless all are float32; `ERR_TENSOR_SHAPE` unless all have the first one's shape
 */
export function combine(
  tensors: readonly [Tensor, Tensor, Tensor],
  f: (values: readonly [number, number, number]) => number,
): Tensor {
  const { dims } = tensors[0];
  const [a, b, c] = [float32Data(tensors[0]), float32Data(tensors[1], dims), float32Data(tensors[2], dims)];
  return new Tensor(
    'float32',
    a.map((x, i) => f([x, b[i]!, c[i]!])),
    dims,
  );
}
