import { ThimbleError } from '../errors.js';

/** Refuses options that nobody would look at. @throws ERR_ARGUMENT_INVALID naming the option and the known ones */
export function checkOptionNames(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'options', value: name, expected: `only ${known.join(', ')}` });
  }
}
