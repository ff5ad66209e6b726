import { isThimbleError } from '@thimble/core';
import type { ModelPool } from '../models/ModelPool.js';
import type { ResultStore } from '../results/ResultStore.js';
import type { JobEvent } from './Job.js';
import type { JobProcessor } from './JobQueue.js';
import { JobRunner } from './JobRunner.js';

/** Who listens to a {@link jobProcessor}. */
export interface ProcessorListeners {
  readonly onEvent?: (event: JobEvent) => void;
  /** Told what jobs fail of that has no code. */
  readonly onFault: (error: unknown) => void;
}

/** Does jobs with the models of this process. */
export function jobProcessor(
  models: ModelPool,
  store: ResultStore,
  { onEvent, onFault }: ProcessorListeners,
): JobProcessor {
  const runner = new JobRunner(models, store);
  return async (job, run) => {
    const emit = (event: JobEvent): void => {
      onEvent?.(event);
      run.emit(event);
    };
    try {
      await runner.run(job, { signal: run.signal, emit });
    } catch (error) {
      // An abort has a reason of its own.
      if (!isThimbleError(error) && !run.signal.aborted) onFault(error);
      throw error;
    }
  };
}
