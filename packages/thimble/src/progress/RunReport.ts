import type { RunMemory, RunTimings } from '@thimble/core';
import { formatDuration, formatPeakMemory } from './quantities.js';
import { StepClock } from './StepClock.js';

/** What a run has made, and what it took. */
export interface RunReport {
  /** Paths of the files. */
  readonly images: readonly string[];
  /** How many of the files are videos. Default: none. */
  readonly videos?: number;
  readonly seeds: readonly number[];
  readonly timings: RunTimings;
  readonly memory: RunMemory;
}

/** The two lines that are said at the end: how long it took, and how much memory. */
export function summaryLines({ images, videos = 0, timings, memory }: RunReport): string {
  const clock = new StepClock();
  for (const milliseconds of timings.steps) clock.step(milliseconds);
  const what = videos > 0 ? 'video' : 'picture';
  const pictures = images.length === 1 ? `1 ${what}` : `${images.length} ${what}s`;
  const steps = `${timings.steps.length} steps of ${formatDuration(clock.perStep ?? 0)}`;
  return `${pictures} in ${formatDuration(timings.total)} (${steps}, decoding ${formatDuration(timings.decode)})\n${formatPeakMemory(memory.peak)}`;
}
