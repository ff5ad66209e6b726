import { AssertionError } from 'node:assert';

/** What a rule throws for a plugin that breaks it. */
export function violation(message: string, cause?: unknown): AssertionError {
  return Object.assign(
    new AssertionError({ message: cause === undefined ? message : `${message}: ${messageOf(cause)}` }),
    cause === undefined ? {} : { cause },
  );
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return String(typeof error === 'object' && error !== null && 'message' in error ? error.message : error);
}
