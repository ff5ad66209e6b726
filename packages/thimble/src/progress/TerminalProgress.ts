import cliProgress from 'cli-progress';
import { formatBytes, formatDuration, formatMemory } from './quantities.js';
import { oneLine, progressLine, type ProgressLine } from './progressLine.js';
import type { Progress } from './Progress.js';
import type { RunEvent } from './RunEvent.js';
import { type RunReport, summaryLines } from './RunReport.js';
import { StepClock } from './StepClock.js';
import { print, tell } from '../standardOutput.js';
import { fitText } from '../terminalWidth.js';
import { STANDARD_OUTPUT } from '../generate/OutputNaming.js';

/** From so many pieces on, their number is no help. */
const MANY = 1000;

/** Redraws per second. */
const RATE = 5;

/** For people: a bar with steps, time left and memory, and messages above it. */
export class TerminalProgress implements Progress {
  readonly #clock = new StepClock();
  #bars: cliProgress.MultiBar | undefined;
  #line: () => ProgressLine = () => ({ label: 'opening the model', fields: [] });
  /** When what the line shows began. */
  #since = performance.now();
  #memory: string | undefined;
  readonly #written: string[] = [];

  start(title: string): void {
    tell(`${oneLine(title, process.stderr.columns)}\n`);
    this.#bars = new cliProgress.MultiBar({
      stream: process.stderr,
      format: (_options, { maxWidth }: { readonly maxWidth: number }) => progressLine(this.#line(), maxWidth),
      fps: RATE,
      // Redraws after a message, too; and leaves the terminal's settings alone, so that nothing has to be put back.
      forceRedraw: true,
      linewrap: true,
      gracefulExit: false,
      clearOnComplete: true,
    });
    this.#bars.create(1, 0);
  }

  event(event: RunEvent): void {
    switch (event.type) {
      case 'warning':
        this.#say(`warning: ${oneLine(event.message)} [${event.code}]`);
        break;
      case 'preset':
        this.#say(event.message);
        break;
      case 'download':
        this.#download(event.loaded, event.total);
        break;
      case 'memory':
        this.#memory = formatMemory(event.memory);
        break;
      case 'load':
        this.#load();
        break;
      case 'step':
        this.#step(event.index + 1, event.steps, event.milliseconds);
        break;
      case 'progress':
        this.#progress(event.task, event.done, event.total);
        break;
      default: // The next step or the pictures tell of it.
    }
  }

  written(path: string, wanted: string): void {
    if (path === STANDARD_OUTPUT) return;
    if (path !== wanted) this.#say(`${wanted} is there already; written to ${path}`);
    this.#written.push(path);
  }

  done(report: RunReport): void {
    this.close();
    tell(`${summaryLines(report)}\n`);
  }

  close(): void {
    this.#bars?.update();
    this.#bars?.stop();
    this.#bars = undefined;
    // Between the bar's own lines they would be lost.
    for (const path of this.#written.splice(0)) print(`${path}\n`);
  }

  #load(): void {
    if (this.#clock.perStep !== undefined) return;
    this.#since = performance.now();
    this.#line = () => ({ label: 'first step', fields: this.#fields([this.#elapsed()]) });
  }

  #step(number: number, steps: number, milliseconds: number): void {
    this.#clock.step(milliseconds);
    this.#since = performance.now();
    this.#line = () => {
      if (number === steps) return { label: 'decoding', share: 1, fields: this.#fields([this.#elapsed()]) };
      const left = formatDuration(this.#clock.left(steps - number) ?? 0);
      return { label: `step ${number}/${steps}`, share: number / steps, fields: this.#fields([`${left} left`]) };
    };
  }

  #progress(task: string, done: number, total: number): void {
    const label = task === 'decode' ? 'decoding' : task;
    // What is counted in bytes says more in percent.
    const count = total < MANY ? `${done}/${total}` : `${Math.floor((100 * done) / total)} %`;
    this.#line = () => ({ label: `${label} ${count}`, share: done / total, fields: this.#fields([this.#elapsed()]) });
  }

  #download(loaded: number, total: number): void {
    this.#line = () => ({
      label: 'downloading',
      share: loaded / Math.max(1, total),
      fields: [`${formatBytes(loaded)} of ${formatBytes(total)}`],
    });
  }

  /** Left to right: what goes first is kept longest on a narrow screen. */
  #fields(first: readonly string[]): string[] {
    const { perStep } = this.#clock;
    return [
      ...first,
      ...(perStep === undefined ? [] : [`${formatDuration(perStep)}/step`]),
      ...(this.#memory === undefined ? [] : [this.#memory]),
    ];
  }

  #elapsed(): string {
    return `${formatDuration(performance.now() - this.#since)} so far`;
  }

  #say(line: string): void {
    if (this.#bars === undefined) tell(`${line}\n`);
    else this.#bars.log(`${fitText(line, process.stderr)}\n`);
  }
}
