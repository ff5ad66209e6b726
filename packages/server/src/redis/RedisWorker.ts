import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isThimbleError } from '@thimble/core';
import type { Job as BullJob, Worker } from 'bullmq';
import { Bell } from '../jobs/Bell.js';
import { jobFailure } from '../jobs/jobFailure.js';
import type { JobProcessor } from '../jobs/JobQueue.js';
import { ServerError } from '../ServerError.js';
import { LOCK_DURATION, takerOf } from './bullQueues.js';
import { JobLost, JobReturned, RedisRun } from './RedisRun.js';
import type { RedisConnection } from './RedisConnection.js';
import { RedisJobs } from './RedisJobs.js';

/** Options of a {@link RedisWorker}. */
export interface RedisWorkerOptions {
  /** The models whose jobs it does, and the device of each: jobs of one device take turns. */
  readonly models: ReadonlyMap<string, string>;
  /** Those that are open: their jobs come first. The one used last comes last. */
  readonly opened: () => readonly string[];
  /** Told what goes wrong outside of jobs. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Milliseconds; {@link LOCK_DURATION} by default. */
  readonly lockDuration?: number | undefined;
}

/** How often a job is lost before it is given up. */
const MOST_RUNS = 4;
/** Milliseconds for which a job is left to workers that have its model open. */
const COURTESY = 150;
/** Milliseconds after which is looked again for work that nobody has told of: another one's that was lost. */
const LOOK_AGAIN = 1000;
/** Jobs of one model in a row, while those of others may wait. */
const MOST_IN_A_ROW = 16;

interface Taken {
  readonly model: string;
  readonly token: string;
  readonly job: BullJob;
}

/** Does jobs of a queue in Redis: one at a time on each device, those of the open model first. A lock is renewed while it works; who loses it has no say in the job any more. */
export class RedisWorker {
  readonly #jobs: RedisJobs;
  readonly #process: JobProcessor;
  readonly #options: RedisWorkerOptions;
  readonly #takers = new Map<string, Worker>();
  readonly #runs = new Map<string, RedisRun>();
  readonly #bell = new Bell();
  #inARow = { model: '', count: 0 };
  #lanes: Promise<unknown> = Promise.resolve();
  #ending = false;
  #leave: readonly (() => void)[] = [];

  private constructor(connection: RedisConnection, process: JobProcessor, options: RedisWorkerOptions) {
    this.#jobs = new RedisJobs(connection);
    this.#process = process;
    this.#options = options;
  }

  /** Begins to take jobs. @throws ERR_REDIS_UNAVAILABLE */
  static async start(
    connection: RedisConnection,
    process: JobProcessor,
    options: RedisWorkerOptions,
  ): Promise<RedisWorker> {
    const worker = new RedisWorker(connection, process, options);
    worker.#leave = [
      await connection.listen('work', () => worker.#bell.ring()),
      await connection.listen('cancel', (id) => worker.#runs.get(id)?.cancel()),
    ];
    const { lockDuration = LOCK_DURATION, onError = () => undefined } = options;
    for (const model of options.models.keys())
      worker.#takers.set(model, await takerOf(model, connection, { lockDuration, onError }));
    const lanes = [...new Set(options.models.values())].map((lane) =>
      [...options.models].flatMap(([model, device]) => (device === lane ? [model] : [])),
    );
    worker.#lanes = Promise.all(lanes.map(async (models) => worker.#work(models)));
    return worker;
  }

  /** Takes no more jobs, and resolves once those that run are done. */
  async drain(): Promise<void> {
    this.#ending = true;
    this.#bell.ring();
    await this.#lanes;
  }

  /** Gives back what runs, for others to do, and ends. */
  async close(): Promise<void> {
    this.#ending = true;
    for (const run of this.#runs.values()) run.abort(new JobReturned());
    await this.drain();
    for (const leave of this.#leave) leave();
    await Promise.allSettled([...this.#takers.values()].map(async (taker) => taker.close(true)));
  }

  async #work(models: readonly string[]): Promise<void> {
    while (!this.#ending) {
      const { rung } = this.#bell;
      try {
        const taken = await this.#take(models);
        if (taken === undefined) await this.#bell.wait(rung, LOOK_AGAIN);
        else await this.#do(taken);
      } catch (error) {
        this.#options.onError?.(error);
        await sleep(LOOK_AGAIN);
      }
    }
  }

  /** A job of an open model, or else of another one, if nobody who has that open takes it. */
  async #take(models: readonly string[]): Promise<Taken | undefined> {
    const opened = this.#options
      .opened()
      .filter((model) => models.includes(model))
      .toReversed();
    // After many of one model, those of the others have their turn.
    const enough = this.#inARow.count >= MOST_IN_A_ROW ? this.#inARow.model : undefined;
    const first = opened.filter((model) => model !== enough);
    const others = models.filter((model) => !first.includes(model));
    const taken = await this.#takeFirst(first);
    if (taken !== undefined || others.length === 0) return taken;
    const left = enough === undefined ? await this.#courtesy(first) : undefined;
    return left ?? this.#takeFirst(others.toSorted((a, b) => Number(a === enough) - Number(b === enough)));
  }

  /** Leaves jobs of models that are not open to others, for a moment after the last news of jobs, and not for long. */
  async #courtesy(opened: readonly string[]): Promise<Taken | undefined> {
    const longest = performance.now() + LOOK_AGAIN;
    while (!this.#ending && performance.now() < longest) {
      const { rung } = this.#bell;
      await this.#bell.wait(rung, COURTESY);
      if (this.#bell.rung === rung) return undefined;
      const taken = await this.#takeFirst(opened);
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  async #takeFirst(models: readonly string[]): Promise<Taken | undefined> {
    for (const model of models) {
      const taken = await this.#takeOne(model);
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  async #takeOne(model: string): Promise<Taken | undefined> {
    if (this.#ending) return undefined;
    const token = randomUUID();
    const job = await this.#takers.get(model)?.getNextJob(token, { block: false });
    if (job === undefined) return undefined;
    this.#inARow = { model, count: model === this.#inARow.model ? this.#inARow.count + 1 : 1 };
    return { model, token, job };
  }

  async #do({ token, job }: Taken): Promise<void> {
    const id = job.id as string;
    const started = await this.#jobs.start(id, MOST_RUNS);
    if (started.status === 'started') {
      const { lockDuration = LOCK_DURATION } = this.#options;
      const run = new RedisRun(this.#jobs, {
        ...started,
        lockDuration,
        extend: async (time) => job.extendLock(token, time),
      });
      const end = await this.#run(id, run);
      if (end === 'lost') return;
      if (end === 'returned') {
        await job.moveToWait(token);
        this.#bell.ring();
        return;
      }
    } else if (started.status === 'cancelled') {
      await this.#jobs.end(id, 'cancelled', jobFailure(new ServerError('ERR_JOB_CANCELLED', {})));
    } else if (started.status === 'lost') {
      const { reason } = started;
      await this.#jobs.end(id, 'failed', jobFailure(new ServerError('ERR_JOB_LOST', { times: MOST_RUNS, reason })));
    }
    await job.moveToCompleted(null, token, false);
  }

  /** Does a job, and says what is to become of it in the queue. */
  async #run(id: string, run: RedisRun): Promise<'done' | 'returned' | 'lost'> {
    this.#runs.set(id, run);
    // One that is about to end does not begin.
    if (this.#ending) run.abort(new JobReturned());
    try {
      await this.#process(run.job, run);
      await run.done();
    } catch (thrown) {
      const error: unknown = run.signal.aborted ? run.signal.reason : thrown;
      if (error instanceof JobLost) return 'lost';
      if (error instanceof JobReturned) {
        await run.giveBack();
        return 'returned';
      }
      // The device's process was killed: as if the worker was.
      if (isThimbleError(error, 'ERR_DEVICE_CRASHED') && run.number < MOST_RUNS) {
        await run.giveBack(error.message);
        return 'returned';
      }
      await run.failed(error);
    } finally {
      run.stop();
      this.#runs.delete(id);
    }
    return 'done';
  }
}
