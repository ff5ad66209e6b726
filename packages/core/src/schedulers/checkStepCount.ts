import { ThimbleError } from '../errors.js';

/**
 * Checks a number of inference steps.
 *
 * @param min the fewest that the scheduler can work with
 * @param max the most: its `num_train_timesteps`
 * @throws `ERR_ARGUMENT_INVALID` if it is not an integer in [min, max]
 */
export function checkStepCount(numInferenceSteps: number, min: number, max: number): void {
  if (Number.isInteger(numInferenceSteps) && numInferenceSteps >= min && numInferenceSteps <= max) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'numInferenceSteps',
    value: numInferenceSteps,
    expected: `an integer from ${min} to ${max}${max > 1 ? ", the scheduler's num_train_timesteps" : ''}`,
  });
}
