import { signal } from '@preact/signals';
import { ask } from '../api/ask.js';
import { RequestError } from '../api/RequestError.js';
import type { JobAnswer } from '../api/ServerAnswers.js';
import { tell } from '../shell/notices.js';
import { noteMemory } from '../stage/memoryTimeline.js';
import { StepClock } from './StepClock.js';

/** Milliseconds after which a server that cannot be reached is asked again. */
const RETRY = 1000;

/** How far a job is. */
export interface JobView {
  readonly status: 'queued' | 'running';
  /** How many run before it. */
  readonly position: number;
  readonly step: number;
  /** 0 before it is known. */
  readonly steps: number;
  /** Small pictures of it, as addresses. */
  readonly previews: readonly string[];
  /** When the last step ends, as by `performance.now()`; undefined while nobody knows. */
  readonly end: number | undefined;
}

const BEGIN: JobView = { status: 'queued', position: 0, step: 0, steps: 0, previews: [], end: undefined };

/** How a job ended: with its answer, or `lost`, where the server knows nothing of it any more. */
export type JobEnd = JobAnswer | 'lost';

/** Looks at what happens to a job, through whatever breaks off in between, until it ends. */
export class FollowedJob {
  readonly id: string;
  readonly view = signal(BEGIN);
  readonly #onEnd: (end: JobEnd) => Promise<void>;
  #clock = new StepClock(0);
  #source: EventSource | undefined;
  #timer: number | undefined;
  /** Counts how often it was told to look, or not to: what was asked for before is no matter. */
  #round = 0;
  #active = false;
  /** The number of the last event that was seen. */
  #last = 0;

  /** @param onEnd told once; what it rejects with is tried again */
  constructor(id: string, onEnd: (end: JobEnd) => Promise<void>) {
    this.id = id;
    this.#onEnd = onEnd;
  }

  /** Looks from now on. */
  resume(): void {
    if (this.#active) return;
    this.#active = true;
    void this.#look(++this.#round);
  }

  /** Looks no more until {@link FollowedJob.resume}: a browser has few connections to a server for all its tabs. */
  pause(): void {
    this.#active = false;
    this.#round += 1;
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  async #look(round: number): Promise<void> {
    try {
      const job = await ask<JobAnswer>(`jobs/${this.id}`);
      if (round !== this.#round) return;
      if (job.status === 'queued' || job.status === 'running') this.#listen(job);
      else await this.#onEnd(job);
    } catch (error) {
      if (round !== this.#round) return;
      if (error instanceof RequestError && error.status === 404) return this.#onEnd('lost');
      tell(error);
      this.#lookIn(RETRY);
    }
  }

  #lookIn(milliseconds: number): void {
    const round = this.#round;
    this.#timer = setTimeout(() => void this.#look(round), milliseconds);
  }

  #listen({ progress: { step } }: JobAnswer): void {
    this.#clock = new StepClock(step);
    const source = new EventSource(`jobs/${this.id}/events?after=${this.#last}`);
    this.#source = source;
    const on = <T>(type: string, act: (data: T) => void): void =>
      source.addEventListener(type, ({ data, lastEventId }: MessageEvent<string>) => {
        this.#last = Number(lastEventId);
        act(JSON.parse(data) as T);
      });
    on<{ position: number }>('queued', ({ position }) => this.#show({ position }));
    on('started', () => {
      this.#clock.begin(performance.now());
      this.#show({ status: 'running', position: 0 });
    });
    on<{ step: number; steps: number }>('step', (progress) => {
      this.#clock.step(progress.step, performance.now());
      this.#show({ status: 'running', ...progress, end: this.#clock.end(progress.steps) });
    });
    on<{ images: readonly string[] }>('preview', ({ images }) =>
      this.#show({ previews: images.map((png) => `data:image/png;base64,${png}`) }),
    );
    on<{ bytes: number }>('memory', ({ bytes }) => noteMemory(this.id, bytes));
    const end = (milliseconds: number): void => {
      source.close();
      if (source === this.#source && this.#active) this.#lookIn(milliseconds);
    };
    on('done', () => end(0));
    // The job has failed, of which the server tells, or the connection has broken off.
    source.addEventListener('error', (event) => end(event instanceof MessageEvent ? 0 : RETRY));
  }

  #show(change: Partial<JobView>): void {
    this.view.value = { ...this.view.value, ...change };
  }
}
