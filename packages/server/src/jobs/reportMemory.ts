import type { DiffusionPipeline } from '@thimble/core';
import type { JobEvent } from './Job.js';

/** Milliseconds between two reports. */
const INTERVAL = 250;

/**
 * Tells by `emit` what both processes of a pipeline hold, several times a second, until what it returns is called: a step may take minutes, and the most may be held before or
 * after the steps.
 */
export function reportMemory(pipe: DiffusionPipeline, emit: (event: JobEvent) => void): () => void {
  let ended = false;
  const report = async (): Promise<void> => {
    const { main, device } = await pipe.memory();
    if (!ended) emit({ type: 'memory', bytes: main.residentBytes + (device?.residentBytes ?? 0) });
  };
  const tell = (): void => void report().catch(() => undefined);
  const timer = setInterval(tell, INTERVAL).unref();
  tell();
  return () => {
    ended = true;
    clearInterval(timer);
  };
}
