import { ThimbleError } from '../../errors.js';

/**
 * The entry of a table over the training timesteps.
 *
 * @throws `ERR_ARGUMENT_INVALID` if the table has no such timestep
 */
export function atTimestep(table: ArrayLike<number>, timestep: number): number {
  const value = table[timestep];
  if (value !== undefined) return value;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'timestep',
    value: timestep,
    expected: `an integer from 0 to ${table.length - 1}, one of the scheduler's timesteps`,
  });
}
