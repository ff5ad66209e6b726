import { ThimbleError } from '../errors.js';
import type { SetTimestepsOptions } from './Scheduler.js';

/**
 * Refuses the options of `setTimesteps` that a scheduler has no use for, so that nobody believes them to work.
 *
 * @throws `ERR_ARGUMENT_INVALID` if one of `names` is given
 */
export function refuseOptions(scheduler: string, options: SetTimestepsOptions, names: readonly (keyof SetTimestepsOptions)[]): void {
  for (const name of names) {
    if (options[name] === undefined) continue;
    throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: name, value: options[name], expected: `nothing: ${scheduler} does not take it` });
  }
}
