import type { PipelineEvent } from './PipelineEvent.js';
import type { PipelineRun } from './PipelineRun.js';

/** Hands events to the run that is going on, or keeps them for the next. */
export class EventSink {
  readonly #waiting: PipelineEvent[] = [];
  #run: PipelineRun | undefined;

  emit(event: PipelineEvent): void {
    if (this.#run !== undefined) this.#run.emit(event);
    else if (event.type === 'warning') this.#waiting.push(event);
  }

  /** Hands over the warnings that waited, and what comes, until the result is disposed. */
  attach(run: PipelineRun): Disposable {
    this.#run = run;
    for (const event of this.#waiting.splice(0)) run.emit(event);
    return {
      [Symbol.dispose]: () => {
        this.#run = undefined;
      },
    };
  }
}
