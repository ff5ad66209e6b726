import { ThimbleError } from '@thimble/core';

/** A list of component names, or none. @throws ERR_ARGUMENT_INVALID */
export function checkNames(argument: string, names: readonly string[] | undefined): readonly string[] {
  if (names === undefined) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value: names, expected: "a list of component names, such as ['text_encoder', 'vae']" });
}
