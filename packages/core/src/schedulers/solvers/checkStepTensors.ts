import type { Tensor } from 'onnxruntime-common';
import { float32Data } from '../numeric/float32Data.js';

/**
 * Checks what `step` is given, before the scheduler's state changes: both float32, both of the shape of the sample.
 *
 * @throws `ERR_TENSOR_DTYPE`, `ERR_TENSOR_SHAPE`
 */
export function checkStepTensors(modelOutput: Tensor, sample: Tensor): void {
  float32Data(sample);
  float32Data(modelOutput, sample.dims);
}
