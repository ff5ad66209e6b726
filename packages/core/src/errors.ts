/** Describes one kind of failure: what it means, and how its message is made from its details. */
interface ErrorEntry {
  /** One line for the error reference. */
  readonly summary: string;
  /** Says what happened, where, and what to do. */
  readonly message: (details: never) => string;
}

/**
 * Every failure that thimble reports by code. Codes are API: they are never renamed or reused; messages may change.
 */
export const errorRegistry = {
  ERR_CONFIG_UNSUPPORTED: {
    summary: "A component's config asks for something that thimble does not implement.",
    message: (d: { component: string; field: string; value: unknown; supported: string }): string =>
      `${d.component}: config field "${d.field}" is ${JSON.stringify(d.value)}, which is not supported; supported: ${d.supported}.`,
  },
  ERR_CONFIG_INVALID: {
    summary: 'A config field has a value of the wrong type or out of range.',
    message: (d: { component: string; field: string; value: unknown; expected: string }): string =>
      `${d.component}: config field "${d.field}" is ${JSON.stringify(d.value)}; expected ${d.expected}.`,
  },
  ERR_ARGUMENT_INVALID: {
    summary: 'An argument of a public call has a wrong type, shape or value.',
    message: (d: { argument: string; value: unknown; expected: string }): string =>
      `"${d.argument}" is ${describe(d.value)}; expected ${d.expected}.`,
  },
} as const satisfies Record<`ERR_${string}`, ErrorEntry>;

/** The code of a {@link ThimbleError}. */
export type ErrorCode = keyof typeof errorRegistry;

/** What a {@link ThimbleError} of code `C` says about itself; plain data. */
export type ErrorDetails<C extends ErrorCode = ErrorCode> = Parameters<(typeof errorRegistry)[C]['message']>[0];

const BRAND = Symbol.for('thimble.error');

/** A failure with a code from the {@link errorRegistry}. Test with {@link isThimbleError}, not with `instanceof`. */
export class ThimbleError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly details: ErrorDetails<C>;
  readonly [BRAND] = true;

  constructor(code: C, details: ErrorDetails<C>, options?: { cause?: unknown }) {
    super((errorRegistry[code].message as (d: ErrorDetails<C>) => string)(details), options);
    this.name = 'ThimbleError';
    this.code = code;
    this.details = details;
  }
}

/**
 * Whether `error` is a {@link ThimbleError}, and of `code` where one is given. Works across copies of this package and across
 * realms, where `instanceof` does not.
 */
export function isThimbleError<C extends ErrorCode>(error: unknown, code?: C): error is ThimbleError<C> {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as ThimbleError).code === code;
}

function describe(value: unknown): string {
  if (typeof value === 'function') return `a function (${value.name || 'anonymous'})`;
  if (typeof value === 'bigint') return `${value}n`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
