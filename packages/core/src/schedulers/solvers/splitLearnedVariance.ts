import { Tensor } from 'onnxruntime-common';
import { checkStepTensors, float32Data } from '../numeric/tensors.js';

/** Where the variance of a step comes from: from the schedule, the smaller or the larger bound, or from the model. */
export type VarianceType =
  | 'fixed_small'
  | 'fixed_small_log'
  | 'fixed_large'
  | 'fixed_large_log'
  | 'learned'
  | 'learned_range';

/** All of them, the default first. */
export const VARIANCE_TYPES: readonly VarianceType[] = [
  'fixed_small',
  'fixed_small_log',
  'fixed_large',
  'fixed_large_log',
  'learned',
  'learned_range',
];

/** A model's output in its two parts. */
export interface LearnedVariance {
  readonly prediction: Tensor;
  /** Where the model predicts one: of the shape of the prediction. */
  readonly variance: Tensor | undefined;
}

/**
 * Takes the output of a model with learned variances apart, [N, 2C, …]: the prediction and the variance, [N, C, …] each. The output of
 * any other model is the prediction alone. Checks the tensors of a step on the way.
 *
 * @param varianceType the config's `variance_type`
 * @throws `ERR_TENSOR_DTYPE`, `ERR_TENSOR_SHAPE`
 */
export function splitLearnedVariance(
  modelOutput: Tensor,
  sample: Tensor,
  varianceType: VarianceType | null,
): LearnedVariance {
  if (varianceType !== 'learned' && varianceType !== 'learned_range') {
    checkStepTensors(modelOutput, sample);
    return { prediction: modelOutput, variance: undefined };
  }
  const [batch = 1, channels = 1, ...rest] = sample.dims;
  const both = float32Data(modelOutput, [batch, 2 * channels, ...rest]);
  const size = float32Data(sample).length / batch;
  const part = (offset: number): Tensor => {
    const data = new Float32Array(batch * size);
    for (let n = 0; n < batch; n++)
      data.set(both.subarray((2 * n + offset) * size, (2 * n + offset + 1) * size), n * size);
    return new Tensor('float32', data, sample.dims);
  };
  return { prediction: part(0), variance: part(1) };
}
