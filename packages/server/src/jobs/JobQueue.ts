import type { Job, JobEvent, JobState, NumberedEvent } from './Job.js';

/** Does a job: tells what happens by `emit`, all but `queued`, `started`, `done` and `error`, and ends when it is done. @throws what goes wrong; `signal.reason` */
export type JobProcessor = (job: Job, run: JobRun) => Promise<void>;

/** What a processor is given beside the job. */
export interface JobRun {
  /** Aborted where the job is cancelled. */
  readonly signal: AbortSignal;
  readonly emit: (event: JobEvent) => void;
}

/** How much there is to do. */
export interface QueueLoad {
  readonly queued: number;
  readonly running: number;
  /** Seconds after which a place should be free. */
  readonly retryAfter: number;
}

/** Where jobs wait, and are known for a while after: in this process (`InProcessQueue`), or in Redis, for workers elsewhere. */
export interface JobQueue {
  /**
   * Takes a job in; one of the same id and fingerprint is there once.
   *
   * @throws ERR_JOB_QUEUE_FULL; ERR_IDEMPOTENCY_CONFLICT for a known id with another fingerprint
   */
  add(job: Job): Promise<JobState>;
  /** Undefined if there is none, or it has expired. */
  get(id: string): Promise<JobState | undefined>;
  /** What has happened after event number `after`, then what happens, to the end of the job. @throws ERR_JOB_UNKNOWN; `signal.reason` */
  events(
    id: string,
    options?: { readonly after?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<NumberedEvent>;
  /** Ends a job that waits or runs; false if there is none to end. */
  cancel(id: string): Promise<boolean>;
  load(): Promise<QueueLoad>;
  /** Resolves once nothing is left that this process does, and nobody whom it tells of a job that is done elsewhere. */
  drained(): Promise<void>;
  /** Cancels what is not done in this process, and ends. */
  close(): Promise<void>;
}
