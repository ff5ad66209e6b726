import { ExitCode } from './ExitCode.js';

/** Describes one kind of failure of the command line. */
interface CliErrorEntry {
  readonly exitCode: ExitCode;
  /** Says what happened, where, and what to do. */
  readonly message: (details: never) => string;
}

/** The failures that the command line itself reports by code, beside those of `@thimble/core`. Codes are API. */
export const cliErrorRegistry = {
  ERR_USAGE: {
    exitCode: ExitCode.usage,
    message: (d: { problem: string }): string => d.problem,
  },
  ERR_INTERRUPTED: {
    exitCode: ExitCode.interrupted,
    message: (d: { signal: string }): string => `Stopped by ${d.signal}.`,
  },
  ERR_NEVER_FINISHED: {
    exitCode: ExitCode.failure,
    message: (_: Record<never, never>): string =>
      'The run waits for something that will never come: a plugin may have left a promise unsettled. Try without --use.',
  },
  ERR_OUTPUT_UNWRITABLE: {
    exitCode: ExitCode.failure,
    message: (d: { path: string; reason: string }): string =>
      `Cannot write "${d.path}": ${d.reason}. Choose another place with --output.`,
  },
  ERR_STDOUT_UNWRITABLE: {
    exitCode: ExitCode.failure,
    message: (d: { reason: string }): string =>
      `Cannot write to the standard output: ${d.reason}. Files that were written are there.`,
  },
  ERR_PROMPT_UNREADABLE: {
    exitCode: ExitCode.failure,
    message: (d: { from: string; reason: string }): string => `Cannot read the prompt from ${d.from}: ${d.reason}.`,
  },
  ERR_CACHE_NOT_CLEARED: {
    exitCode: ExitCode.failure,
    message: (d: { names: readonly string[] }): string =>
      `In use by a running program, and still in the cache: ${d.names.join(', ')}. Try again when that has ended.`,
  },
  ERR_SERVER_PACKAGE_NOT_FOUND: {
    exitCode: ExitCode.failure,
    message: (d: { command: string; package: string }): string =>
      `thimble ${d.command} is in a package of its own, which is not installed: npm install ${d.package}`,
  },
  ERR_PLUGIN_PACKAGE_NOT_FOUND: {
    exitCode: ExitCode.failure,
    message: (d: { package: string; folder: string }): string =>
      `--use ${d.package}: there is no such package, neither for "${d.folder}" nor with thimble. Check the name, or install it: npm install ${d.package}`,
  },
  ERR_PLUGIN_PACKAGE_BROKEN: {
    exitCode: ExitCode.failure,
    message: (d: { package: string; reason: string }): string =>
      `--use ${d.package}: the package cannot be loaded: ${d.reason}`,
  },
  ERR_PLUGIN_EXPORT: {
    exitCode: ExitCode.usage,
    message: (d: {
      package: string;
      problem: string;
      exports: readonly string[];
      plugins: readonly string[];
    }): string =>
      `--use ${d.package}: ${d.problem}. It exports ${d.exports.join(', ') || 'nothing'}.` +
      (d.plugins.length === 0
        ? ''
        : ` Choose a plugin: ${d.plugins.map((name) => `--use '${d.package}#${name}'`).join(' or ')}.`),
  },
  ERR_PLUGIN_OPTIONS: {
    exitCode: ExitCode.usage,
    message: (d: { package: string; export: string; reason: string }): string =>
      `--use ${d.package}: new ${d.export}(…) failed: ${d.reason}`,
  },
} as const satisfies Record<`ERR_${string}`, CliErrorEntry>;

/** The code of a {@link CliError}. */
export type CliErrorCode = keyof typeof cliErrorRegistry;

/** What a {@link CliError} of code `C` says about itself. */
export type CliErrorDetails<C extends CliErrorCode = CliErrorCode> = Parameters<
  (typeof cliErrorRegistry)[C]['message']
>[0];

/** A failure of the command line, with a code from the {@link cliErrorRegistry}. */
export class CliError<C extends CliErrorCode = CliErrorCode> extends Error {
  readonly code: C;
  readonly details: CliErrorDetails<C>;

  constructor(code: C, details: CliErrorDetails<C>, options?: { cause?: unknown }) {
    super((cliErrorRegistry[code].message as (d: CliErrorDetails<C>) => string)(details), options);
    this.name = 'CliError';
    this.code = code;
    this.details = details;
  }
}

/** Whether `error` is a {@link CliError}. */
export function isCliError(error: unknown): error is CliError {
  return error instanceof CliError;
}
