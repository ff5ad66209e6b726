import { setImmediate } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { Bell } from '../jobs/Bell.js';
import type { InProcessQueueOptions } from '../jobs/InProcessQueue.js';
import type { Job, JobState, NumberedEvent } from '../jobs/Job.js';
import { jobFailure } from '../jobs/jobFailure.js';
import { isResult } from '../jobs/jobLog.js';
import type { JobQueue, QueueLoad } from '../jobs/JobQueue.js';
import { ServerError } from '../ServerError.js';
import { queueOf } from './bullQueues.js';
import type { RedisConnection } from './RedisConnection.js';
import { RedisJobs } from './RedisJobs.js';

/** Options of a {@link RedisQueue}. */
export interface RedisQueueOptions extends Pick<InProcessQueueOptions, 'maxQueue' | 'retain' | 'onEnd'> {
  /** How many jobs workers do at once. */
  readonly lanes: () => number;
}

/** Milliseconds after which is looked again, though nothing was heard: a message gets lost where a connection breaks off. */
const LOOK_AGAIN = 2000;
const TIDY_INTERVAL = 60_000;

/** A queue in Redis, by BullMQ: this process puts jobs in and tells what happens to them, workers elsewhere do them. They outlive this process. */
export class RedisQueue implements JobQueue {
  readonly #connection: RedisConnection;
  readonly #options: RedisQueueOptions;
  readonly #jobs: RedisJobs;
  readonly #queues = new Map<string, Queue>();
  /** Those that this process has put in, and that have not ended. */
  readonly #own = new Set<string>();
  #closed: Error | undefined;
  readonly #left = new Bell();
  readonly #tidier: NodeJS.Timeout;
  readonly #followers = new Set<AbortController>();

  private constructor(connection: RedisConnection, options: RedisQueueOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#jobs = new RedisJobs(connection);
    this.#tidier = setInterval(() => void this.#jobs.tidy().catch(() => undefined), TIDY_INTERVAL).unref();
  }

  /** @throws ERR_REDIS_UNAVAILABLE */
  static async create(connection: RedisConnection, options: RedisQueueOptions): Promise<RedisQueue> {
    const queue = new RedisQueue(connection, options);
    await connection.listen('ended', (id) => void queue.#ended(id).catch(() => undefined));
    return queue;
  }

  async add(job: Job): Promise<JobState> {
    const { maxQueue, retain, lanes } = this.#options;
    const added = await this.#jobs.add(job, { most: maxQueue + Math.max(1, lanes()), retain });
    if (added === 'conflict') throw new ServerError('ERR_IDEMPOTENCY_CONFLICT', {});
    if (added === 'full') {
      const { queued, retryAfter } = await this.load();
      throw new ServerError('ERR_JOB_QUEUE_FULL', { queued, maxQueue, retryAfter });
    }
    const state = await this.#jobs.get(job.id);
    if (state === undefined) throw new ServerError('ERR_JOB_UNKNOWN', {});
    if (state.finishedAt !== undefined) return state;
    if (added === 'added') this.#own.add(job.id);
    // One that is known may have come from a process that ended just here; BullMQ takes an id once.
    await this.#connection.run(async () =>
      this.#queueOf(job.request.model).add('generate', {}, { jobId: job.id, timestamp: job.createdAt }),
    );
    await this.#jobs.confirm(job.id);
    return state;
  }

  async get(id: string): Promise<JobState | undefined> {
    return this.#jobs.get(id);
  }

  async *events(
    id: string,
    { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<NumberedEvent, void> {
    if (this.#closed !== undefined) throw this.#closed;
    const closing = new AbortController();
    const stop = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    const bell = new Bell();
    this.#followers.add(closing);
    let leave = (): void => undefined;
    try {
      leave = await this.#connection.listen(`job:${id}`, () => bell.ring());
      let seen = after;
      for (let first = true; ; first = false) {
        stop.throwIfAborted();
        const { rung } = bell;
        const read = await this.#jobs.read(id, seen);
        if (read === undefined) throw new ServerError('ERR_JOB_UNKNOWN', {});
        const { ended, events } = read;
        for (const numbered of events) {
          seen = numbered.number;
          if (!(first && ended) || isResult(numbered.event)) yield numbered;
        }
        if (ended) return;
        await bell.wait(rung, LOOK_AGAIN, stop);
      }
    } finally {
      leave();
      this.#followers.delete(closing);
      if (this.#followers.size === 0) this.#left.ring();
    }
  }

  async cancel(id: string): Promise<boolean> {
    const answer = await this.#jobs.cancel(id, jobFailure(new ServerError('ERR_JOB_CANCELLED', {})));
    if (answer !== 'cancelled') return answer === 'told';
    const state = await this.#jobs.get(id);
    // A worker that has just taken it finds that it is over.
    if (state !== undefined) await this.#queueOf(state.request.model).remove(id);
    return true;
  }

  async load(): Promise<QueueLoad> {
    const { queued, running, usual } = await this.#jobs.load();
    const retryAfter = Math.max(1, Math.ceil(usual / 1000 / Math.max(1, this.#options.lanes())));
    return { queued, running, retryAfter };
  }

  /** Workers go on: it waits for those here who follow a job. */
  async drained(): Promise<void> {
    while (this.#followers.size > 0) await this.#left.wait(this.#left.rung, LOOK_AGAIN);
  }

  async close(): Promise<void> {
    clearInterval(this.#tidier);
    this.#closed = new ServerError('ERR_SERVER_CLOSING', {});
    for (const each of this.#followers) each.abort(this.#closed);
    await this.drained();
    // Of those who had to leave, clients who waited have their jobs cancelled.
    await setImmediate();
    await Promise.allSettled([...this.#queues.values()].map(async (queue) => queue.close()));
  }

  #queueOf(model: string): Queue {
    const queue = this.#queues.get(model) ?? queueOf(model, this.#connection);
    this.#queues.set(model, queue);
    return queue;
  }

  async #ended(id: string): Promise<void> {
    if (!this.#own.delete(id)) return;
    const state = await this.#jobs.get(id);
    if (state !== undefined) this.#options.onEnd?.(state);
  }
}
