import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { CliError } from './CliError.js';
import { createProgram } from './createProgram.js';
import { ExitCode } from './ExitCode.js';
import { Interruption } from './Interruption.js';
import { ignoreClosedPipe } from './ignoreClosedPipe.js';

/** Runs the command line with the arguments after `thimble`, and returns the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  ignoreClosedPipe(process.stdout);
  ignoreClosedPipe(process.stderr);
  using interruption = new Interruption();
  try {
    await createProgram(interruption, { silent: args.includes('--json') }).parseAsync(args, { from: 'user' });
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof CommanderError) return endOfParsing(error, args);
    return fail(interruption.signal.aborted ? interruption.signal.reason : error, args);
  }
}

/** commander has told the user already, unless a program reads along. */
function endOfParsing(error: CommanderError, args: readonly string[]): Promise<ExitCode> | ExitCode {
  if (error.exitCode === 0) return ExitCode.ok;
  if (!args.includes('--json')) return ExitCode.usage;
  return fail(new CliError('ERR_USAGE', { problem: error.message.replace(/^error: /, '') }), args);
}

async function fail(error: unknown, args: readonly string[]): Promise<ExitCode> {
  const { describeFailure } = await import('./FailureReport.js');
  const { code, message, exitCode } = describeFailure(error);
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ type: 'error', code, message })}\n`);
  else process.stderr.write(`thimble: ${message} [${code}]\n`);
  if (args.includes('--debug') || isOn(process.env['THIMBLE_DEBUG'])) process.stderr.write(`${inspect(error)}\n`);
  return exitCode;
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}
