import { inspect } from 'node:util';
import type { ExitCode } from './ExitCode.js';
import { print, tell } from './standardOutput.js';

/** A failure as it is told to the user. */
export interface FailureReport {
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** Tells people, or the program that reads along, what went wrong; `error` only where they debug. Returns the exit code. */
export function tellFailure(
  { code, message, exitCode }: FailureReport,
  args: readonly string[],
  error?: unknown,
): ExitCode {
  const readable = args.includes('--json') && code !== 'ERR_STDOUT_UNWRITABLE';
  if (readable) print(`${JSON.stringify({ type: 'error', code, message })}\n`);
  else tell(`thimble: ${message} [${code}]\n`);
  if (error !== undefined && (args.includes('--debug') || isOn(process.env['THIMBLE_DEBUG'])))
    tell(`${inspect(error)}\n`);
  return exitCode;
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}
