import { CodedError, isCodedError } from './errors/CodedError.js';
import { deviceErrors } from './errors/deviceErrors.js';
import type { DetailsOf, ErrorDefinitions } from './errors/ErrorDefinition.js';
import { fileErrors } from './errors/fileErrors.js';
import { hubErrors } from './errors/hubErrors.js';
import { imageErrors } from './errors/imageErrors.js';
import { modelErrors } from './errors/modelErrors.js';
import { pipelineErrors } from './errors/pipelineErrors.js';
import { pluginErrors } from './errors/pluginErrors.js';
import { schedulerErrors } from './errors/schedulerErrors.js';
import { tokenizerErrors } from './errors/tokenizerErrors.js';

/** Every failure that core reports by code. Codes are API: they are never renamed or reused; messages may change. */
export const errorRegistry = {
  ...deviceErrors,
  ...fileErrors,
  ...hubErrors,
  ...imageErrors,
  ...modelErrors,
  ...pipelineErrors,
  ...pluginErrors,
  ...schedulerErrors,
  ...tokenizerErrors,
} as const satisfies ErrorDefinitions;

/** The page that explains the codes of core and of the official packages, each under its own name in small letters as anchor. */
export const ERROR_REFERENCE = 'https://example.org/thimble/reference/errors.html';

/** The code of a {@link ThimbleError}. */
export type ErrorCode = keyof typeof errorRegistry;

/** What a {@link ThimbleError} of code `C` says about itself; plain data. */
export type ErrorDetails<C extends ErrorCode = ErrorCode> = DetailsOf<typeof errorRegistry, C>;

/** A failure with a code from the {@link errorRegistry}. Test with {@link isThimbleError}, not with `instanceof`. */
export class ThimbleError<C extends ErrorCode = ErrorCode> extends CodedError<C, ErrorDetails<C>> {
  constructor(code: C, details: ErrorDetails<C>, options?: { cause?: unknown }) {
    const message = errorRegistry[code].message as (d: ErrorDetails<C>) => string;
    super(code, details, { message: message(details), docs: entryOf(code, ERROR_REFERENCE), options });
  }
}

/**
 * Whether `error` is a {@link ThimbleError} or one of a plugin's own ({@link defineErrors}), and of `code` where one is given. Works across copies of
 * this package and across realms, where `instanceof` does not.
 */
export function isThimbleError<C extends ErrorCode>(error: unknown, code?: C): error is ThimbleError<C>;
export function isThimbleError(error: unknown, code: string): error is CodedError<string, unknown>;
export function isThimbleError(error: unknown, code?: string): boolean {
  return isCodedError(error, code);
}

/** Errors that {@link defineErrors} made: `throw new MyError('ERR_MY_THING', { … })`. */
export interface DefinedErrors<R extends ErrorDefinitions> {
  new <C extends keyof R & string>(
    code: C,
    details: DetailsOf<R, C>,
    options?: { readonly cause?: unknown },
  ): CodedError<C, DetailsOf<R, C>>;
  /** Whose errors they are: the name of a plugin or package. */
  readonly author: string;
  /** For an error reference. */
  readonly definitions: R;
  /** Whether `error` is one of these, and of `code` where one is given, with its details; across copies of a package. */
  is<C extends keyof R & string>(error: unknown, code?: C): error is CodedError<C, DetailsOf<R, C>>;
}

/**
 * Errors of a plugin or package, as good as core's: with codes, typed details and the brand that {@link isThimbleError} looks for.
 *
 * ```ts
 * export const PruneError = defineErrors('me:prune', {
 *   ERR_PRUNE_RATIO: { message: (d: { ratio: number }) => `ratio is ${d.ratio}; expected a number from 0 to 1.` },
 * });
 * throw new PruneError('ERR_PRUNE_RATIO', { ratio: 2 });
 * ```
 *
 * @param author the name of the plugin or package
 * @param definitions by code: `ERR_` and capitals, none of core's
 * @param options `docs`: the page that explains the codes, each under its own name in small letters as anchor
 * @throws ThimbleError ERR_ARGUMENT_INVALID for an empty name, or a code that is none or is core's
 */
export function defineErrors<const R extends ErrorDefinitions>(
  author: string,
  definitions: R,
  options: { readonly docs?: string | undefined } = {},
): DefinedErrors<R> {
  if (typeof options !== 'object' || options === null) throw invalid('options', options, 'an object, or nothing');
  const { docs } = options;
  if (typeof author !== 'string' || author === '') throw invalid('author', author, 'the name of a plugin or package');
  if (typeof definitions !== 'object' || definitions === null)
    throw invalid('definitions', definitions, 'definitions of errors by their codes');
  for (const code of Object.keys(definitions)) {
    if (!/^ERR_[A-Z0-9_]+$/.test(code)) throw invalid('code', code, 'ERR_ and capitals, such as ERR_PRUNE_RATIO');
    if (Object.hasOwn(errorRegistry, code)) throw invalid('code', code, "a code of your own; this one is core's");
  }
  return class<C extends keyof R & string> extends CodedError<C, DetailsOf<R, C>> {
    static readonly author = author;
    static readonly definitions = definitions;

    static is(error: unknown, code?: string): error is never {
      return code === undefined
        ? isCodedError(error) && Object.hasOwn(definitions, error.code)
        : Object.hasOwn(definitions, code) && isCodedError(error, code);
    }

    constructor(code: C, details: DetailsOf<R, C>, options?: { readonly cause?: unknown }) {
      const { message } = definitions[code as `ERR_${string}`] as { message: (d: DetailsOf<R, C>) => string };
      super(code, details, {
        options,
        message: message(details),
        docs: docs === undefined ? undefined : entryOf(code, docs),
      });
    }
  } as DefinedErrors<R>;
}

function entryOf(code: string, page: string): string {
  return `${page}#${code.toLowerCase()}`;
}

function invalid(argument: string, value: unknown, expected: string): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
