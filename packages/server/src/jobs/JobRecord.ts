import type { Job, JobEvent, JobFailure, JobImage, JobState, JobStatus, NumberedEvent } from './Job.js';
import { isResult, replacesLast } from './jobLog.js';

/** A job of an in-process queue: its state and what has happened to it. */
export class JobRecord {
  readonly job: Job;
  /** Of a job that has not ended. A reason holds on to what called its maker: the request and the socket of a client. */
  #controller: AbortController | undefined = new AbortController();
  #status: JobStatus = 'queued';
  #position = 0;
  #progress = { step: 0, steps: 0 };
  readonly #images: JobImage[] = [];
  #error: JobFailure | undefined;
  #startedAt: number | undefined;
  #finishedAt: number | undefined;
  #log: NumberedEvent[] = [];
  #count = 0;
  #readers = 0;
  readonly #waiters = new Set<() => void>();

  constructor(job: Job) {
    // A copy's strings are whole: those of a job still hang together in pieces, and take ten times the room.
    this.job = structuredClone(job);
  }

  /** Stops the run. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** Starts the run. @returns what ends it */
  start(): AbortSignal {
    this.#status = 'running';
    this.#position = 0;
    this.#startedAt = Date.now();
    this.emit({ type: 'started' });
    return this.#controller?.signal ?? AbortSignal.abort();
  }

  get ended(): boolean {
    return this.#finishedAt !== undefined;
  }

  get state(): JobState {
    return {
      ...this.job,
      status: this.#status,
      position: this.#position,
      ...this.#progress,
      images: [...this.#images],
      ...(this.#error === undefined ? {} : { error: this.#error }),
      ...(this.#startedAt === undefined ? {} : { startedAt: this.#startedAt }),
      ...(this.#finishedAt === undefined ? {} : { finishedAt: this.#finishedAt }),
    };
  }

  queued(position: number): void {
    const told = this.#log.some(({ event }) => event.type === 'queued');
    if (told && position === this.#position) return;
    this.#position = position;
    this.emit({ type: 'queued', position });
  }

  done(): void {
    this.#end('done', { type: 'done' });
  }

  failed(error: JobFailure, cancelled: boolean): void {
    this.#error = error;
    this.#end(cancelled ? 'cancelled' : 'failed', { type: 'error', error });
  }

  emit(told: JobEvent): void {
    // What is kept long has whole strings, as the job.
    const event = isResult(told) ? structuredClone(told) : told;
    if (event.type === 'step') this.#progress = { step: event.step, steps: event.steps };
    if (event.type === 'image') this.#images.push(event.image);
    if (replacesLast(event, this.job.request)) this.#log = this.#log.filter((one) => one.event.type !== event.type);
    this.#log.push({ number: ++this.#count, event });
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }

  /** What has happened after event `after`, then what happens, to the end. @throws `signal.reason` */
  async *events(after: number, signal: AbortSignal | undefined): AsyncGenerator<NumberedEvent, void> {
    let seen = after;
    this.#readers += 1;
    try {
      for (;;) {
        signal?.throwIfAborted();
        const next = this.#log.find(({ number }) => number > seen);
        if (next !== undefined) {
          seen = next.number;
          yield next;
        } else if (this.ended) return;
        else await this.#change(signal);
      }
    } finally {
      this.#readers -= 1;
      this.#compact();
    }
  }

  /** Of a job that has ended, its result is kept; once those who read along have read all. */
  #compact(): void {
    if (!this.ended || this.#readers > 0) return;
    this.#log = this.#log.filter(({ event }) => isResult(event));
  }

  #end(status: JobStatus, event: JobEvent): void {
    this.#status = status;
    this.#finishedAt = Date.now();
    this.#controller = undefined;
    this.emit(event);
    this.#compact();
  }

  async #change(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiters.delete(wake);
        reject(signal?.reason);
      };
      this.#waiters.add(wake);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }
}
