import type { InProcessQueueOptions } from './InProcessQueue.js';
import type { JobProcessor, JobQueue } from './JobQueue.js';

/** Makes the queue of a server, out of what does the jobs in this process. */
export type QueueFactory = (process: JobProcessor, options: InProcessQueueOptions) => JobQueue | Promise<JobQueue>;
