import type { RunContext } from '../hooks/calls/RunContext.js';
import type { MemoryMonitor } from './MemoryMonitor.js';
import type { PipelineEvent } from './PipelineEvent.js';

/** One run of a pipeline: its context for hooks, and the events that wait to be yielded. */
export class PipelineRun {
  readonly context: RunContext;
  readonly memory: MemoryMonitor;
  readonly started: number = performance.now();
  readonly #left: AbortController;
  readonly #events: PipelineEvent[] = [];
  #wake: () => void = () => undefined;

  /** `left` ends the work of a run whose reader has gone; the context's signal follows it. */
  constructor(context: RunContext, memory: MemoryMonitor, left: AbortController) {
    this.context = context;
    this.memory = memory;
    this.#left = left;
  }

  get signal(): AbortSignal | undefined {
    return this.context.signal;
  }

  /** Queues an event, to be yielded by {@link PipelineRun.during}, or when the run comes to its next {@link PipelineRun.drain}. */
  emit(event: PipelineEvent): void {
    this.#events.push(event);
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

  /** Yields what has happened since. */
  *drain(): Generator<PipelineEvent> {
    while (this.#events.length > 0) yield this.#events.shift() as PipelineEvent;
  }
}
