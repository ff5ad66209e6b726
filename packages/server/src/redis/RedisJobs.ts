import type { Job, JobEvent, JobFailure, JobImage, JobState, JobStatus, NumberedEvent } from '../jobs/Job.js';
import { replacesLast } from '../jobs/jobLog.js';
import { KEY_PREFIX, type RedisConnection } from './RedisConnection.js';

/** Milliseconds for which a job is remembered of which it is not sure that it came into the queue. */
const UNSURE = 60_000;

/** What a worker is told that begins with a job. */
export type StartedJob =
  | { readonly status: 'started'; readonly run: string; readonly job: Job }
  /** It was given up, or `reason` made its workers go. */
  | { readonly status: 'lost'; readonly reason: string }
  | { readonly status: 'cancelled' }
  | { readonly status: 'over' };

/** What of a job's events there is to read. */
export interface JobEvents {
  readonly ended: boolean;
  readonly events: readonly NumberedEvent[];
}

/** States and events of jobs, as they lie in Redis. A job's runs are counted, and who did an earlier one has no say any more. */
export class RedisJobs {
  readonly #connection: RedisConnection;

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** Remembers a job, for a while, until it is confirmed; no more than `most` at once that are not done. */
  async add(
    job: Job,
    { most, retain }: { readonly most: number; readonly retain: number },
  ): Promise<'added' | 'known' | 'conflict' | 'full'> {
    const { id, fingerprint = '' } = job;
    const added = await this.#connection.script(
      'thimbleAdd',
      id,
      JSON.stringify(job),
      fingerprint,
      retain,
      most,
      UNSURE,
    );
    return added as 'added' | 'known' | 'conflict' | 'full';
  }

  /** It is in the queue. */
  async confirm(id: string): Promise<void> {
    await this.#connection.script('thimbleConfirm', id);
  }

  async get(id: string): Promise<JobState | undefined> {
    const record = await this.#connection.run(async () => this.#connection.commands.hgetall(`${KEY_PREFIX}:job:${id}`));
    return record['job'] === undefined ? undefined : stateOf(record);
  }

  /** What happened after event number `after`; undefined if there is no such job. */
  async read(id: string, after: number): Promise<JobEvents | undefined> {
    const replies = await this.#connection.run(async () =>
      this.#connection.commands
        .multi()
        .hmget(`${KEY_PREFIX}:job:${id}`, 'status', 'finishedAt')
        .zrangebyscore(`${KEY_PREFIX}:events:${id}`, `(${after}`, '+inf')
        .exec(),
    );
    const [[, state], [, events]] = replies as [[unknown, (string | null)[]], [unknown, string[]]];
    const [status, finishedAt] = state;
    if (status === null) return undefined;
    return { ended: finishedAt !== null, events: events.map(readEvent) };
  }

  /** A worker begins with a job, if it was not lost `most` times. */
  async start(id: string, most: number): Promise<StartedJob> {
    const [status, detail, job] = (await this.#connection.script('thimbleStart', id, Date.now(), most)) as string[];
    if (status === 'started') return { status, run: String(detail), job: JSON.parse(job as string) as Job };
    if (status === 'lost') return { status, reason: detail as string };
    return { status: status as 'cancelled' | 'over' };
  }

  /** Something happens in a run; `lost` where it is not this run's job any more. */
  async tell({ id, request }: Job, run: string, event: JobEvent): Promise<'told' | 'cancelled' | 'lost'> {
    const details =
      event.type === 'step'
        ? [event.step, event.steps]
        : event.type === 'image'
          ? [event.image.index, JSON.stringify(event.image)]
          : [];
    const replaces = replacesLast(event, request) ? 1 : 0;
    const told = await this.#connection.script(
      'thimbleTell',
      id,
      run,
      event.type,
      JSON.stringify(event),
      replaces,
      ...details,
    );
    return told as 'told' | 'cancelled' | 'lost';
  }

  /** A job ends: of this run, or, where none is named, whichever. */
  async end(id: string, status: JobStatus, failure?: JobFailure, run = ''): Promise<void> {
    const event: JobEvent = failure === undefined ? { type: 'done' } : { type: 'error', error: failure };
    const error = failure === undefined ? '' : JSON.stringify(failure);
    await this.#connection.script('thimbleEnd', id, run, status, error, JSON.stringify(event), Date.now());
  }

  /** Ends a job that waits, or has the worker that runs it told. */
  async cancel(id: string, failure: JobFailure): Promise<'cancelled' | 'told' | 'over'> {
    const event: JobEvent = { type: 'error', error: failure };
    const answer = await this.#connection.script(
      'thimbleCancel',
      id,
      JSON.stringify(failure),
      JSON.stringify(event),
      Date.now(),
    );
    return answer as 'cancelled' | 'told' | 'over';
  }

  /** A run gives its job back: for nothing, or because of a loss, which counts. */
  async giveBack(id: string, run: string, loss = ''): Promise<void> {
    await this.#connection.script('thimbleReturn', id, run, loss);
  }

  /** How many wait and run, and milliseconds that a run takes, as the last ones did. */
  async load(): Promise<{ readonly queued: number; readonly running: number; readonly usual: number }> {
    const replies = await this.#connection.run(async () =>
      this.#connection.commands
        .multi()
        .zcard(`${KEY_PREFIX}:queued`)
        .scard(`${KEY_PREFIX}:running`)
        .get(`${KEY_PREFIX}:usual`)
        .exec(),
    );
    const [queued, running, usual] = replies!.map(([, reply]) => Number(reply ?? 10_000));
    return { queued: queued as number, running: running as number, usual: usual as number };
  }

  /** Forgets of those that wait or run whose records are gone. */
  async tidy(): Promise<void> {
    await this.#connection.script('thimbleTidy');
  }
}

function readEvent(member: string): NumberedEvent {
  const at = member.indexOf(' ');
  return { number: Number(member.slice(0, at)), event: JSON.parse(member.slice(at + 1)) as JobEvent };
}

function stateOf(record: Readonly<Record<string, string>>): JobState {
  const { job, status, position, step, steps, error, startedAt, finishedAt } = record;
  const images = Object.entries(record).flatMap(([field, image]) =>
    field.startsWith('image:') ? [JSON.parse(image) as JobImage] : [],
  );
  return {
    ...(JSON.parse(job as string) as Job),
    status: status as JobStatus,
    position: Math.max(0, Number(position)),
    step: Number(step),
    steps: Number(steps),
    images: images.toSorted((a, b) => a.index - b.index),
    ...(error === undefined ? {} : { error: JSON.parse(error) as JobFailure }),
    ...(startedAt === undefined ? {} : { startedAt: Number(startedAt) }),
    ...(finishedAt === undefined ? {} : { finishedAt: Number(finishedAt) }),
  };
}
