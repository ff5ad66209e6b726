import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../../errors.js';
import { describeValue } from '../../errors/describeValue.js';

/** A tensor and what it is multiplied by. */
export type Term = readonly [weight: number, tensor: Tensor];

/**
 * `w₀·t₀ + w₁·t₁ + …`, element by element: a new float32 tensor, summed in float64 and rounded once.
 *
 * @throws `ERR_TENSOR_DTYPE` unless all are float32; `ERR_TENSOR_SHAPE` unless all have the first one's shape
 */
export function weightedSum(first: Term, ...others: readonly Term[]): Tensor {
  const [firstWeight, { dims }] = first;
  const firstData = float32Data(first[1]);
  const rest = others.map(([weight, tensor]) => ({ weight, data: float32Data(tensor, dims) }));
  const sum = new Float32Array(firstData.length);
  for (let i = 0; i < sum.length; i++) {
    let value = firstWeight * firstData[i]!;
    for (const { weight, data } of rest) value += weight * data[i]!;
    sum[i] = value;
  }
  return new Tensor('float32', sum, dims);
}

/**
 * `f` of each element: a new float32 tensor of the same shape.
 *
 * @throws `ERR_TENSOR_DTYPE` unless the tensor is float32
 */
export function mapTensor(tensor: Tensor, f: (x: number) => number): Tensor {
  return new Tensor('float32', float32Data(tensor).map(f), tensor.dims);
}

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

/**
 * The elements of a float32 tensor, not copied.
 *
 * @param dims the shape it must have, if any
 * @throws `ERR_TENSOR_DTYPE` if it is not float32; `ERR_TENSOR_SHAPE` if it has another shape than `dims`
 */
export function float32Data(tensor: Tensor, dims?: readonly number[]): Float32Array {
  if (tensor?.type !== 'float32')
    throw new ThimbleError('ERR_TENSOR_DTYPE', { got: tensor?.type ?? describeValue(tensor), expected: 'float32' });
  if (dims && !(dims.length === tensor.dims.length && dims.every((dim, axis) => dim === tensor.dims[axis]))) {
    throw new ThimbleError('ERR_TENSOR_SHAPE', { got: tensor.dims, expected: dims });
  }
  return tensor.data as Float32Array;
}

/**
 * Checks what `step` is given, before the scheduler's state changes: both float32, both of the shape of the sample.
 *
 * @throws `ERR_TENSOR_DTYPE`, `ERR_TENSOR_SHAPE`
 */
export function checkStepTensors(modelOutput: Tensor, sample: Tensor): void {
  float32Data(sample);
  float32Data(modelOutput, sample.dims);
}
