import { isThimbleError } from '@thimble/core';
import { ServerError } from '../ServerError.js';
import { JobRecord } from './JobRecord.js';
import type { Job, JobState, NumberedEvent } from './Job.js';
import type { JobProcessor, JobQueue, QueueLoad } from './JobQueue.js';
import { jobFailure } from './jobFailure.js';

/** Options of an {@link InProcessQueue}. */
export interface InProcessQueueOptions {
  /** How many may wait. */
  readonly maxQueue: number;
  /** Milliseconds for which a job is known after its end. */
  readonly retain: number;
  /** Jobs of one lane run one after the other: the device of the job's model. */
  readonly laneOf: (job: Job) => string;
  /** Told once of each job that has ended. */
  readonly onEnd?: ((state: JobState) => void) | undefined;
}

/** How much the last run's duration counts for what the next one is expected to take. */
const NEWEST = 0.3;
/** Jobs that are known after their end, at most. */
const MOST_ENDED = 10_000;

/** A queue of this process: first come, first served, one job at a time on each device. */
export class InProcessQueue implements JobQueue {
  readonly #process: JobProcessor;
  readonly #options: InProcessQueueOptions;
  readonly #records = new Map<string, JobRecord>();
  readonly #waiting: JobRecord[] = [];
  readonly #running = new Map<string, JobRecord>();
  readonly #idle = new Set<() => void>();
  readonly #sweeper: NodeJS.Timeout;
  /** Milliseconds that a run takes, as the last ones did. */
  #usual = 10_000;

  constructor(process: JobProcessor, options: InProcessQueueOptions) {
    this.#process = process;
    this.#options = options;
    this.#sweeper = setInterval(
      () => this.#forget(Date.now() - options.retain),
      Math.min(options.retain, 60_000),
    ).unref();
  }

  async add(job: Job): Promise<JobState> {
    const known = this.#records.get(job.id);
    if (known !== undefined) {
      if (known.job.fingerprint === job.fingerprint) return known.state;
      throw new ServerError('ERR_IDEMPOTENCY_CONFLICT', {});
    }
    const { maxQueue } = this.#options;
    const queued = this.#waiting.length;
    if (queued >= maxQueue && this.#running.has(this.#options.laneOf(job)))
      throw new ServerError('ERR_JOB_QUEUE_FULL', { queued, maxQueue, retryAfter: this.#retryAfter() });
    const record = new JobRecord(job);
    this.#records.set(record.job.id, record);
    this.#waiting.push(record);
    record.queued(this.#positionOf(record));
    this.#next();
    return record.state;
  }

  async get(id: string): Promise<JobState | undefined> {
    return this.#records.get(id)?.state;
  }

  events(
    id: string,
    options: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<NumberedEvent> {
    const record = this.#records.get(id);
    if (record === undefined) throw new ServerError('ERR_JOB_UNKNOWN', {});
    return record.events(options.after ?? 0, options.signal);
  }

  async cancel(id: string): Promise<boolean> {
    const record = this.#records.get(id);
    if (record === undefined || record.ended) return false;
    const reason = new ServerError('ERR_JOB_CANCELLED', {});
    record.abort(reason);
    const at = this.#waiting.indexOf(record);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      this.#end(record, reason);
      this.#tellPositions();
    }
    return true;
  }

  async load(): Promise<QueueLoad> {
    return { queued: this.#waiting.length, running: this.#running.size, retryAfter: this.#retryAfter() };
  }

  async drained(): Promise<void> {
    if (this.#waiting.length + this.#running.size > 0)
      await new Promise<void>((resolve) => void this.#idle.add(resolve));
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const { job } of [...this.#waiting, ...this.#running.values()]) await this.cancel(job.id);
    await this.drained();
  }

  #next(): void {
    const next = this.#waiting.findIndex(({ job }) => !this.#running.has(this.#options.laneOf(job)));
    const [record] = next < 0 ? [] : this.#waiting.splice(next, 1);
    if (record === undefined) return;
    const lane = this.#options.laneOf(record.job);
    this.#running.set(lane, record);
    void this.#run(record, lane);
  }

  async #run(record: JobRecord, lane: string): Promise<void> {
    const { job } = record;
    const begun = Date.now();
    let failure: unknown;
    const signal = record.start();
    try {
      await this.#process(job, { signal, emit: (event) => record.emit(event) });
      this.#usual += NEWEST * (Date.now() - begun - this.#usual);
    } catch (error) {
      failure = error ?? new Error('a run failed without a reason');
    }
    this.#running.delete(lane);
    this.#end(record, failure);
    this.#tellPositions();
    this.#next();
    if (this.#waiting.length + this.#running.size > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }

  #end(record: JobRecord, failure: unknown): void {
    if (failure === undefined) record.done();
    else record.failed(jobFailure(failure), isThimbleError(failure, 'ERR_JOB_CANCELLED'));
    this.#options.onEnd?.(record.state);
  }

  #tellPositions(): void {
    for (const record of this.#waiting) record.queued(this.#positionOf(record));
  }

  /** How many run before it, on its device. */
  #positionOf(record: JobRecord): number {
    const { laneOf } = this.#options;
    const lane = laneOf(record.job);
    const before = this.#waiting.slice(0, this.#waiting.indexOf(record)).filter(({ job }) => laneOf(job) === lane);
    return before.length + (this.#running.has(lane) ? 1 : 0);
  }

  #retryAfter(): number {
    return Math.max(1, Math.ceil(this.#usual / 1000));
  }

  #forget(time: number): void {
    const ended = [...this.#records.values()].filter((record) => record.ended);
    const excess = ended.length - MOST_ENDED;
    for (const [i, { job, state }] of ended.entries())
      if (i < excess || (state.finishedAt ?? Infinity) < time) this.#records.delete(job.id);
  }
}
