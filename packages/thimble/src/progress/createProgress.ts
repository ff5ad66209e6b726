import { JsonProgress } from './JsonProgress.js';
import { PlainProgress } from './PlainProgress.js';
import type { Progress } from './Progress.js';
import { print } from '../standardOutput.js';
import { STANDARD_OUTPUT } from '../generate/OutputNaming.js';

/** Chooses how progress is told: by the options, and by what the standard error output is. */
export async function createProgress({
  json = false,
  quiet = false,
}: {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}): Promise<Progress> {
  if (json) return new JsonProgress();
  if (quiet) return new SilentProgress();
  if (!process.stderr.isTTY || process.env['TERM'] === 'dumb') return new PlainProgress();
  const { TerminalProgress } = await import('./TerminalProgress.js');
  return new TerminalProgress();
}

/** For `--quiet`: nothing but the paths of the files. */
class SilentProgress implements Progress {
  start(): void {
    // Quiet.
  }

  event(): void {
    // Quiet.
  }

  written(path: string): void {
    if (path !== STANDARD_OUTPUT) print(`${path}\n`);
  }

  done(): void {
    // Quiet.
  }

  close(): void {
    // Nothing is open.
  }
}
