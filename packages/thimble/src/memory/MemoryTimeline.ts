import type { DiffusionPipeline, MemoryReport } from '@thimble/core';

const INTERVAL = 50;

/** What both processes held at one time. */
export interface MemorySample {
  /** Since the timeline began, in milliseconds. */
  readonly at: number;
  readonly memory: MemoryReport;
}

/** A component's call, or a step. */
export interface MemorySpan {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Follows the memory of a pipeline, and what it does meanwhile. */
export class MemoryTimeline implements Disposable {
  readonly samples: MemorySample[] = [];
  readonly calls: MemorySpan[] = [];
  readonly steps: MemorySpan[] = [];
  readonly limit: number | undefined;
  readonly #started = performance.now();
  readonly #pipe: DiffusionPipeline;
  readonly #taps: readonly Disposable[];
  readonly #timer: NodeJS.Timeout;

  constructor(pipe: DiffusionPipeline) {
    this.#pipe = pipe;
    this.limit = pipe.memoryLimit;
    this.#taps = this.#watch(pipe);
    this.#timer = setInterval(() => void this.#sample(), INTERVAL).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const tap of this.#taps) tap[Symbol.dispose]();
  }

  #watch({ hooks }: DiffusionPipeline): Disposable[] {
    let called = 0;
    let stepped = 0;
    return [
      hooks.beforeModelCall.tap('memory-report', () => {
        called = this.#now();
      }),
      hooks.afterModelCall.tap(
        'memory-report',
        ({ component }) => void this.calls.push({ name: component, from: called, to: this.#now() }),
      ),
      hooks.beforeStep.tap('memory-report', () => {
        stepped = this.#now();
      }),
      hooks.afterStep.tap(
        'memory-report',
        ({ index }) => void this.steps.push({ name: String(index + 1), from: stepped, to: this.#now() }),
      ),
    ];
  }

  async #sample(): Promise<void> {
    const memory = await this.#pipe.memory();
    this.samples.push({ at: this.#now(), memory });
  }

  #now(): number {
    return performance.now() - this.#started;
  }
}
