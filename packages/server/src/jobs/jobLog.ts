import type { JobEvent, JobRequest } from './Job.js';

/** Whether an event takes the place of the last one of its kind: who comes late wants to see how it looks now. */
export function replacesLast({ type }: JobEvent, { previews }: Pick<JobRequest, 'previews'>): boolean {
  return type === 'memory' || type === 'queued' || (type === 'preview' && previews === 'live');
}

/** Whether an event is told of a job that has ended, to those who come after its end. */
export function isResult({ type }: JobEvent): boolean {
  return type === 'image' || type === 'done' || type === 'error';
}
