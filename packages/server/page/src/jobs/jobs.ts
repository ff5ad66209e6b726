import { stored } from '../shell/stored.js';

/** A job of this browser that has not ended, as far as is known. */
export interface StoredJob {
  readonly id: string;
  readonly prompt: string;
}

/** Those that there are, oldest first, in all tabs: after a reload, and in another tab, one goes on looking at them. */
export const jobs = stored<readonly StoredJob[]>('jobs', [], isJobs);

/** A job was taken in. */
export function addJob(job: StoredJob): void {
  jobs.value = [...jobs.value, job];
}

/** A job has ended, or there is none of that id any more. */
export function removeJob(id: string): void {
  jobs.value = jobs.value.filter((job) => job.id !== id);
}

function isJobs(value: unknown): value is readonly StoredJob[] {
  return (
    Array.isArray(value) &&
    value.every((job: Partial<StoredJob> | null) => typeof job?.id === 'string' && typeof job.prompt === 'string')
  );
}
