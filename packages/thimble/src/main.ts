import { CommanderError } from 'commander';
import { CliError } from './CliError.js';
import { createProgram } from './createProgram.js';
import { ExitCode } from './ExitCode.js';
import { Interruption } from './Interruption.js';
import { flushOutput, watchOutputs } from './standardOutput.js';
import { tellFailure } from './tellFailure.js';

/** Runs the command line with the arguments after `thimble`, and returns the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  watchOutputs();
  using interruption = new Interruption();
  const { signal } = interruption;
  const onStuck = (): void => {
    if (signal.aborted) return;
    const { code, message } = new CliError('ERR_NEVER_FINISHED', {});
    process.exitCode = tellFailure({ code, message, exitCode: ExitCode.failure }, args);
  };
  process.once('exit', onStuck);
  try {
    const program = await createProgram(interruption, args);
    await interruption.limit(program.parseAsync(args, { from: 'user' }));
    await flushOutput();
    signal.throwIfAborted();
    return ExitCode.ok;
  } catch (error) {
    return error instanceof CommanderError
      ? endParsing(error, args)
      : await fail(signal.aborted ? signal.reason : error, args);
  } finally {
    process.off('exit', onStuck);
  }
}

/** commander has told people already; programs that read along have not been told. */
function endParsing(error: CommanderError, args: readonly string[]): ExitCode {
  if (error.exitCode === 0) return ExitCode.ok;
  if (!args.includes('--json')) return ExitCode.usage;
  return tellFailure(
    { code: 'ERR_USAGE', message: error.message.replace(/^error: /, ''), exitCode: ExitCode.usage },
    args,
  );
}

async function fail(error: unknown, args: readonly string[]): Promise<ExitCode> {
  const { describeFailure } = await import('./describeFailure.js');
  return tellFailure(describeFailure(error), args, error);
}
