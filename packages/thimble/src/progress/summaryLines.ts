import { formatDuration } from './formatDuration.js';
import { formatPeakMemory } from './formatMemory.js';
import type { RunReport } from './RunReport.js';
import { StepClock } from './StepClock.js';

/** The two lines that are said at the end: how long it took, and how much memory. */
export function summaryLines({ images, videos = 0, timings, memory }: RunReport): string {
  const clock = new StepClock();
  for (const milliseconds of timings.steps) clock.step(milliseconds);
  const what = videos > 0 ? 'video' : 'picture';
  const pictures = images.length === 1 ? `1 ${what}` : `${images.length} ${what}s`;
  const steps = `${timings.steps.length} steps of ${formatDuration(clock.perStep ?? 0)}`;
  return `${pictures} in ${formatDuration(timings.total)} (${steps}, decoding ${formatDuration(timings.decode)})\n${formatPeakMemory(memory.peak)}`;
}
