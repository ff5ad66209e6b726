import type { RunContext } from '../hooks/RunContext.js';
import type { MemoryMonitor } from './MemoryMonitor.js';
import type { PipelineEvent } from './PipelineEvent.js';

/** One run of a pipeline: its context for hooks, and the events that wait to be yielded. */
export class PipelineRun {
  readonly context: RunContext;
  readonly memory: MemoryMonitor;
  readonly started: number = performance.now();
  readonly #events: PipelineEvent[];

  constructor(context: RunContext, memory: MemoryMonitor, events: readonly PipelineEvent[]) {
    this.context = context;
    this.memory = memory;
    this.#events = [...events];
  }

  get signal(): AbortSignal | undefined {
    return this.context.signal;
  }

  /** Queues an event, to be yielded when the run comes to its next {@link PipelineRun.drain}. */
  emit(event: PipelineEvent): void {
    this.#events.push(event);
  }

  /** Yields what has happened since. */
  * drain(): Generator<PipelineEvent> {
    while (this.#events.length > 0) yield this.#events.shift() as PipelineEvent;
  }
}
