import { CliError } from './CliError.js';
import { systemReason } from './systemReason.js';
import { fitText } from './terminalWidth.js';

/** Writes to the standard output. @throws ERR_STDOUT_UNWRITABLE, here or where nobody catches it, as the stream likes */
export function print(data: string | Uint8Array): void {
  try {
    process.stdout.write(data);
  } catch (error) {
    throw unwritable(error);
  }
}

/** Tells people something, on the standard error output, in lines as long as their terminal's; where that cannot be written, nobody is told. */
export function tell(text: string): void {
  try {
    process.stderr.write(fitText(text, process.stderr));
  } catch {
    // The work is worth more than the word about it.
  }
}

/** Waits until everything is written, or given up. */
export async function flushOutput(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.stdout.write('', () => resolve());
  });
}

/**
 * Lets the reader of a pipe leave early (`thimble … | head -1`): what comes after is dropped. Other failures of the standard output are thrown where nobody catches
 * them. Asked again, it does nothing.
 */
export function watchOutputs(): void {
  if (process.stdout.listeners('error').includes(onOutputError)) return;
  process.stdout.on('error', onOutputError);
  process.stderr.on('error', () => undefined);
}

function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw unwritable(error);
}

function unwritable(error: unknown): CliError {
  return new CliError('ERR_STDOUT_UNWRITABLE', { reason: systemReason(error) }, { cause: error });
}
