import type { CallNeeds, RunNeeds } from '@thimble/planner';
import { formatBytes, formatCount } from '../progress/quantities.js';
import { formatTable } from './formatTable.js';

/** For people: what each model's calls take in a run, and what a step and the run read. */
export function formatNeeds({ run, calls, stepBytes, runBytes }: RunNeeds): string {
  const { width, height, frames, steps } = run;
  const columns = [
    { title: `${width}×${height}${frames > 1 ? `×${frames}` : ''}` },
    { title: 'CALLS', right: true },
    { title: 'READS', right: true },
    { title: 'VALUES', right: true },
    { title: 'MULT.', right: true, spare: true },
    { title: 'LARGEST PART, LARGEST LAYER', wraps: true },
  ];
  const rows = calls.map((call) => [
    call.component,
    `${call.times}${call.samples > 1 ? `×${call.samples}` : ''}`,
    formatBytes(call.weightBytes),
    formatBytes(call.activationBytes),
    formatCount(call.multiplications),
    largestOf(call),
  ]);
  const read = `a step reads ${formatBytes(stepBytes)} of weights, a run of ${steps} ${formatBytes(runBytes)}`;
  return `${formatTable(columns, rows)}\n${read}`;
}

function largestOf({ largestSegment, largestWeight }: CallNeeds): string {
  return [largestSegment, largestWeight]
    .map(({ name, bytes }) => `${name.replace(/\.weight$/, '')} ${formatBytes(bytes)}`)
    .join(', ');
}
