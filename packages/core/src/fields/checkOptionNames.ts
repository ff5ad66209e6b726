import { ThimbleError } from '../errors.js';
import { isList } from './isList.js';
import { nearestName } from './nearestName.js';
import { refuseOption } from './refuseOption.js';

/**
 * Refuses options that nobody would look at, and a signal that is none: the one check of names everywhere.
 *
 * @param of whose options they are, as messages say it: `generate`, `Image.save`, the name of a class
 * @throws ERR_ARGUMENT_INVALID naming the option, and the nearest known one or all
 */
export function checkOptionNames(options: object, known: readonly string[], of?: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'options',
      value: options,
      expected: 'an object, or nothing',
    });
  if (!isList(known) || known.some((name) => typeof name !== 'string')) refuseOption('known', known, 'a list of names');
  if (of !== undefined && typeof of !== 'string') refuseOption('of', of, 'a text');
  if (known.includes('signal')) checkSignal((options as { readonly signal?: unknown }).signal);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known);
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'options',
    value: unknown,
    expected: known.length === 0 ? 'none' : `only ${known.join(', ')}`,
    unknown: { ...(of === undefined ? {} : { of }), ...(nearest === undefined ? {} : { nearest }) },
  });
}

/** @throws ERR_ARGUMENT_INVALID for what is neither a signal nor undefined */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || isSignal(signal)) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'signal', value: signal, expected: 'an AbortSignal' });
}

/** By what it can do, because a signal may come from another realm. */
export function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
}
