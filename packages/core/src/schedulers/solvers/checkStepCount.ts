import { ThimbleError } from '../../errors.js';

/**
 * Checks a number of inference steps.
 *
 * @param min the fewest that the scheduler can work with
 * @param max the most
 * @param maxIs what `max` is, in the words of the message
 * @throws `ERR_ARGUMENT_INVALID` if it is not an integer in [min, max]
 */
export function checkStepCount(
  numInferenceSteps: number,
  min: number,
  max: number,
  maxIs = "the scheduler's num_train_timesteps",
): void {
  if (Number.isInteger(numInferenceSteps) && numInferenceSteps >= min && numInferenceSteps <= max) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'numInferenceSteps',
    value: numInferenceSteps,
    expected: `an integer from ${min} to ${max}, ${maxIs}`,
  });
}
