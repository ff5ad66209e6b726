import { ThimbleError } from '../errors.js';

/** Refuses options that nobody would look at, and a signal that is none. @throws ERR_ARGUMENT_INVALID naming the option and the known ones */
export function checkOptionNames(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'options',
      value: options,
      expected: 'an object, or nothing',
    });
  const { signal } = options as { readonly signal?: unknown };
  if (signal !== undefined && !isSignal(signal))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'signal', value: signal, expected: 'an AbortSignal' });
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'options',
        value: name,
        expected: `only ${known.join(', ')}`,
      });
  }
}

/** By what it can do, because a signal may come from another realm. */
export function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
}
