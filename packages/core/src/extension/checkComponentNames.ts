import { ThimbleError } from '../errors.js';

/** What an option of a plugin says of components: a list of names, or nothing. @throws ERR_ARGUMENT_INVALID naming the option */
export function checkComponentNames(
  argument: string,
  names: readonly string[] | undefined,
): readonly string[] | undefined {
  if (names === undefined || (Array.isArray(names) && names.every((name) => typeof name === 'string'))) return names;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument,
    value: names,
    expected: "a list of component names, such as ['text_encoder', 'vae']",
  });
}
