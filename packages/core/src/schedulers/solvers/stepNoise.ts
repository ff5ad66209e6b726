import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../../errors.js';
import { float32Data } from '../numeric/tensors.js';
import type { StepOptions } from '../Scheduler.js';

/**
 * The noise of a step, of the shape `dims`: `varianceNoise` if it is given, else drawn from `generator`.
 *
 * @param why ends "needs noise for this step (…)"
 * @throws `ERR_SCHEDULER_NO_GENERATOR` if there is neither; `ERR_ARGUMENT_INVALID` if both are given; `ERR_TENSOR_SHAPE`
 */
export function stepNoise(
  scheduler: string,
  why: string,
  dims: readonly number[],
  { generator, varianceNoise }: StepOptions,
): Tensor {
  if (generator && varianceNoise) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'varianceNoise',
      value: '(a tensor)',
      expected: 'nothing where a generator is given',
    });
  }
  if (!generator && !varianceNoise) throw new ThimbleError('ERR_SCHEDULER_NO_GENERATOR', { scheduler, why });
  const noise = varianceNoise ?? generator!.randn(dims);
  float32Data(noise, dims);
  return noise;
}
