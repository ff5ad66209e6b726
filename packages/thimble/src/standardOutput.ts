import { CliError } from './CliError.js';
import { systemReason } from './systemReason.js';

/** Writes to the standard output. @throws ERR_STDOUT_UNWRITABLE, here or where nobody catches it, as the stream likes */
export function print(data: string | Uint8Array): void {
  try {
    process.stdout.write(data);
  } catch (error) {
    throw unwritable(error);
  }
}

/** Tells people something, on the standard error output; where that cannot be written, nobody is told. */
export function tell(text: string): void {
  try {
    process.stderr.write(text);
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

/** Lets the reader of a pipe leave early (`thimble … | head -1`): what comes after is dropped. Other failures of the standard output are thrown where nobody catches them. */
export function watchOutputs(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw unwritable(error);
  });
  process.stderr.on('error', () => undefined);
}

function unwritable(error: unknown): CliError {
  return new CliError('ERR_STDOUT_UNWRITABLE', { reason: systemReason(error) }, { cause: error });
}
