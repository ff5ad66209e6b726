import type { Progress } from './Progress.js';
import type { RunEvent } from './RunEvent.js';
import type { RunReport } from './RunReport.js';
import { print } from '../standardOutput.js';

/** For programs: one JSON object a line on the standard output. */
export class JsonProgress implements Progress {
  start(): void {
    // The events tell all.
  }

  event(event: RunEvent): void {
    this.#write(event);
  }

  written(): void {
    // The last line has the paths.
  }

  done(report: RunReport): void {
    this.#write({ type: 'done', ...report });
  }

  close(): void {
    // Nothing is open.
  }

  /** Functions, such as a step's `latents()`, are left out by JSON itself. */
  #write(value: object): void {
    print(`${JSON.stringify(value)}\n`);
  }
}
