import { isThimbleError } from '@thimble/core';
import type { Job, JobEvent } from '../jobs/Job.js';
import { jobFailure } from '../jobs/jobFailure.js';
import type { JobRun } from '../jobs/JobQueue.js';
import { ServerError } from '../ServerError.js';
import type { RedisJobs } from './RedisJobs.js';

/** Another worker has the job: this one took too long to renew its lock. */
export class JobLost extends Error {}

/** This worker ends, and leaves the job to others. */
export class JobReturned extends Error {}

/** What a run is made of. */
export interface RedisRunParts {
  readonly job: Job;
  /** Counted from 1. */
  readonly run: string;
  /** Milliseconds. */
  readonly lockDuration: number;
  /** Renews the lock for so many milliseconds; 0 or a fault where it is another one's. */
  readonly extend: (time: number) => Promise<number>;
}

/** A run of a job by this worker: tells what happens, keeps the lock, and is aborted where the job is cancelled or lost. */
export class RedisRun implements JobRun {
  readonly job: Job;
  readonly #jobs: RedisJobs;
  readonly #parts: RedisRunParts;
  readonly #controller = new AbortController();
  readonly #renewal: NodeJS.Timeout;
  /** What is told keeps its order. */
  #told: Promise<void> = Promise.resolve();

  constructor(jobs: RedisJobs, parts: RedisRunParts) {
    this.job = parts.job;
    this.#jobs = jobs;
    this.#parts = parts;
    this.#renewal = setInterval(() => void this.#renew(), parts.lockDuration / 3);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Which of the job's runs it is, from 1. */
  get number(): number {
    return Number(this.#parts.run);
  }

  readonly emit = (event: JobEvent): void => {
    this.#told = this.#told.then(async () => {
      const answer = await this.#jobs.tell(this.job, this.#parts.run, event);
      if (answer === 'lost') this.abort(new JobLost());
      if (answer === 'cancelled') this.cancel();
    });
    this.#told.catch((error: unknown) => this.abort(error));
  };

  cancel(): void {
    this.abort(new ServerError('ERR_JOB_CANCELLED', {}));
  }

  abort(reason: unknown): void {
    if (!this.signal.aborted) this.#controller.abort(reason);
  }

  /** All is told, and it is done. @throws what telling it failed of; JobLost */
  async done(): Promise<void> {
    await this.#told;
    this.signal.throwIfAborted();
    await this.#jobs.end(this.job.id, 'done', undefined, this.#parts.run);
  }

  async failed(error: unknown): Promise<void> {
    await this.#told.catch(() => undefined);
    const lost = isThimbleError(error, 'ERR_DEVICE_CRASHED');
    const given = lost ? new ServerError('ERR_JOB_LOST', { times: this.number, reason: error.message }) : error;
    const status = isThimbleError(error, 'ERR_JOB_CANCELLED') ? 'cancelled' : 'failed';
    await this.#jobs.end(this.job.id, status, jobFailure(given), this.#parts.run);
  }

  /** Leaves the job to others; a `loss` counts. */
  async giveBack(loss?: string): Promise<void> {
    await this.#told.catch(() => undefined);
    await this.#jobs.giveBack(this.job.id, this.#parts.run, loss);
  }

  /** Lets go of the lock. */
  stop(): void {
    clearInterval(this.#renewal);
  }

  async #renew(): Promise<void> {
    const { extend, lockDuration } = this.#parts;
    const extended = await extend(lockDuration).catch(() => 0);
    if (extended !== 1) this.abort(new JobLost());
  }
}
