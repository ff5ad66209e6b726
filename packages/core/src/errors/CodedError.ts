const BRAND = Symbol.for('thimble.error');

/** A failure with a code, core's or one that somebody else defined. Test with {@link isThimbleError}, not with `instanceof`. */
export abstract class CodedError<C extends string, Details> extends Error {
  readonly code: C;
  /** Plain data. */
  readonly details: Details;
  /** Where the code is explained, if its author says so. */
  readonly docs: string | undefined;
  readonly [BRAND] = true;

  protected constructor(code: C, details: Details, text: ErrorText) {
    super(text.message, text.options);
    this.name = 'ThimbleError';
    this.code = code;
    this.details = details;
    this.docs = text.docs;
  }
}

/** What an error says in words. */
export interface ErrorText {
  readonly message: string;
  readonly docs?: string | undefined;
  readonly options?: { readonly cause?: unknown } | undefined;
}

/** Whether `error` is one with a code, and with `code` where one is given; across copies of this package and across realms. */
export function isCodedError(error: unknown, code?: string): error is CodedError<string, unknown> {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as CodedError<string, unknown>).code === code;
}
