import { ThimbleError } from '../errors.js';

declare const TYPE: unique symbol;

/** Names something that is provided to a pipeline, and its type `T`. */
export interface Token<T> {
  /** Unique, with its author as prefix: `thimble:schedulers`. */
  readonly description: string;
  /** For the type checker only. */
  readonly [TYPE]?: (value: T) => T;
}

/**
 * Makes a token. Two tokens of one description are the same token, so that it works across copies of a package: prefix it with yours.
 *
 * @throws ThimbleError `ERR_ARGUMENT_INVALID` if the description is empty.
 */
export function createToken<T>(description: string): Token<T> {
  if (typeof description === 'string' && description !== '') return Object.freeze({ description });
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'token description',
    value: description,
    expected: 'a name that is not empty',
  });
}
