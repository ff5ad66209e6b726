import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { RunContext } from '../hooks/calls/RunContext.js';
import type { Hooks } from '../hooks/manifest.js';
import type { GenerateResult } from './GenerateOptions.js';
import type { MemoryMonitor } from './MemoryMonitor.js';
import type { PipelineEvent } from './PipelineEvent.js';

/** One run of a pipeline: its context for hooks, the events that wait to be yielded, and how long its parts took. */
export class PipelineRun {
  readonly context: RunContext;
  readonly hooks: Hooks;
  readonly memory: MemoryMonitor;
  /** Milliseconds so far. */
  readonly timings: { encodePrompt: number; encodeImage: number; readonly steps: number[]; decode: number } = {
    encodePrompt: 0,
    encodeImage: 0,
    steps: [],
    decode: 0,
  };
  readonly #started: number = performance.now();
  readonly #left: AbortController;
  readonly #events: PipelineEvent[] = [];
  #wake: () => void = () => undefined;
  #tellComputing: () => void = () => undefined;
  /** Resolves once a component is loaded or has been called. */
  readonly computing: Promise<void> = new Promise((resolve) => {
    this.#tellComputing = resolve;
  });

  /** `left` ends the work of a run whose reader has gone; the context's signal follows it. */
  constructor(context: RunContext, hooks: Hooks, memory: MemoryMonitor, left: AbortController) {
    this.context = context;
    this.hooks = hooks;
    this.memory = memory;
    this.#left = left;
  }

  get signal(): AbortSignal | undefined {
    return this.context.signal;
  }

  /** What a component is called with, so that its hooks know the run. */
  get callOptions(): CallOptions {
    return { run: this.context, signal: this.signal };
  }

  /** Queues an event, to be yielded by {@link PipelineRun.during}, or when the run comes to its next {@link PipelineRun.drain}. */
  emit(event: PipelineEvent): void {
    this.#events.push(event);
    if (event.type === 'load' || event.type === 'model') this.#tellComputing();
    this.#wake();
  }

  /** Yields events as they come while `work` goes on, and gives what it gives. A reader who leaves ends the work. */
  async *during<T>(work: Promise<T>): AsyncGenerator<PipelineEvent, T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
      this.#wake();
    };
    work.then(settle, settle);
    try {
      while (!settled) {
        yield* this.drain();
        if (!settled && this.#events.length === 0)
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      if (!settled) {
        this.#left.abort(new DOMException('The stream was left before its end.', 'AbortError'));
        await work.catch(() => undefined);
      }
    }
    yield* this.drain();
    return work;
  }

  /** As {@link PipelineRun.during}, and notes how long the work took as one of the run's timings. */
  async *timed<T>(part: 'encodePrompt' | 'encodeImage' | 'decode', work: Promise<T>): AsyncGenerator<PipelineEvent, T> {
    const started = performance.now();
    const result = yield* this.during(work);
    this.timings[part] = performance.now() - started;
    return result;
  }

  /** What `generate` returns: what the pipeline made, with the run's timings and memory. */
  result(made: Omit<GenerateResult, 'timings' | 'memory'>): GenerateResult {
    const timings = { total: performance.now() - this.#started, ...this.timings };
    return { ...made, timings, memory: this.memory.report() };
  }

  /** Yields what has happened since. */
  *drain(): Generator<PipelineEvent> {
    while (this.#events.length > 0) yield this.#events.shift() as PipelineEvent;
  }
}
