import type { Progress } from './Progress.js';

/** For `--quiet`: nothing but the paths of the files. */
export class SilentProgress implements Progress {
  start(): void {
    // Quiet.
  }

  event(): void {
    // Quiet.
  }

  written(path: string): void {
    process.stdout.write(`${path}\n`);
  }

  done(): void {
    // Quiet.
  }

  close(): void {
    // Nothing is open.
  }
}
