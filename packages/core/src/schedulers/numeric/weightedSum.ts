import { Tensor } from 'onnxruntime-common';
import { float32Data } from './float32Data.js';

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
