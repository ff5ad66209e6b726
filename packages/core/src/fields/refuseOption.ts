import { ThimbleError } from '../errors.js';

/** @throws ERR_ARGUMENT_INVALID naming the option, its value and what is expected */
export function refuseOption(argument: string, value: unknown, expected: string): never {
  for (const [name, text] of Object.entries({ argument, expected })) {
    if (typeof text !== 'string')
      throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: name, value: text, expected: 'a text' });
  }
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
