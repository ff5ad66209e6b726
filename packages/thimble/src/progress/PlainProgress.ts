import { formatBytes, formatDuration, formatMemory } from './quantities.js';
import { oneLine } from './progressLine.js';
import type { Progress } from './Progress.js';
import type { RunEvent } from './RunEvent.js';
import { type RunReport, summaryLines } from './RunReport.js';
import { StepClock } from './StepClock.js';
import { print, tell } from '../standardOutput.js';
import { STANDARD_OUTPUT } from '../generate/OutputNaming.js';

/** What goes on for long is told of every so many percent. */
const STRIDE = 10;

/** For files and pipes: plain lines on the standard error output, at most one a step. */
export class PlainProgress implements Progress {
  readonly #clock = new StepClock();
  /** A step's line waits for the memory event that follows it. */
  #step: string | undefined;
  /** What is told of in percent, and how far it was when it was told of last. */
  #told = { what: '', percent: 0 };

  start(title: string): void {
    this.#write(title);
  }

  event(event: RunEvent): void {
    switch (event.type) {
      case 'warning':
        this.#write(`warning: ${oneLine(event.message)} [${event.code}]`);
        break;
      case 'preset':
        this.#write(event.message);
        break;
      case 'download':
        this.#share('downloaded', event.loaded, event.total, ` of ${formatBytes(event.total)}`);
        break;
      case 'progress':
        if (event.task !== 'decode' && event.task !== 'encode') this.#share(`${event.task}:`, event.done, event.total);
        break;
      case 'memory':
        if (this.#step !== undefined) this.#write(`${this.#step}, ${formatMemory(event.memory)}`);
        this.#step = undefined;
        break;
      case 'step':
        this.#step = this.#describeStep(event.index + 1, event.steps, event.milliseconds);
        break;
      case 'decode':
        this.#write(`decoded in ${formatDuration(event.milliseconds)}`);
        break;
      default: // Of no interest in a log.
    }
  }

  written(path: string, wanted: string): void {
    if (path === STANDARD_OUTPUT) return;
    if (path !== wanted) this.#write(`${wanted} is there already; written to ${path}`);
    print(`${path}\n`);
  }

  done(report: RunReport): void {
    this.#write(summaryLines(report));
  }

  close(): void {
    // Nothing is open.
  }

  #describeStep(number: number, steps: number, milliseconds: number): string {
    this.#clock.step(milliseconds);
    const left = number === steps ? '' : `, ${formatDuration(this.#clock.left(steps - number) ?? 0)} left`;
    return `step ${number}/${steps}: ${formatDuration(milliseconds)}${left}`;
  }

  #share(what: string, loaded: number, total: number, ofWhat = ''): void {
    const percent = Math.floor((100 * loaded) / Math.max(1, total));
    if (what !== this.#told.what) this.#told = { what, percent: -STRIDE };
    if (percent === this.#told.percent || (percent < this.#told.percent + STRIDE && percent < 100)) return;
    this.#told.percent = percent;
    this.#write(`${what} ${percent}%${ofWhat}`);
  }

  #write(line: string): void {
    tell(`${line}\n`);
  }
}
