import type { PictureFormat } from '../results/PictureFormat.js';

/** What JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** One run, as plain JSON: it may wait in another process, and run on another machine. Its seeds are drawn, so that it gives the same pictures wherever and however often it runs. */
export interface JobRequest {
  readonly model: string;
  readonly prompt: string;
  /** Options of `generate` that JSON can hold, by core's names. `seed` has one for each picture. */
  readonly options: Readonly<Record<string, JsonValue>>;
  /** Options of `generate` that are pictures, such as `image`: keys in the store. */
  readonly pictures: Readonly<Record<string, string>>;
  /** As `findScheduler` takes it; the model's own by default. */
  readonly scheduler?: string;
  readonly format: PictureFormat;
  /** Of jpeg and webp, 1 to 100. */
  readonly quality?: number;
  /** How many small pictures are made on the way, spread over the steps; `live`: two a second at most; none by default. */
  readonly previews?: number | 'live';
}

/** A job as it is handed to a queue. */
export interface Job {
  /** A UUID. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly request: JobRequest;
  /** A digest of what the client sent, where it gave an idempotency key. */
  readonly fingerprint?: string;
}

/** A picture of a job. */
export interface JobImage {
  /** In the store. */
  readonly key: string;
  /** Which of the job, from 0. */
  readonly index: number;
  readonly width: number;
  readonly height: number;
  readonly seed?: number;
  /** Prompt and settings, as PNGs hold them under `parameters`. */
  readonly parameters?: string;
}

/** Why a job has no result. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  /** The option that is wrong, if it is one. */
  readonly param?: string;
}

/** What happens to a job, as plain JSON. The last one is `done` or `error`. */
export type JobEvent =
  | { readonly type: 'queued'; /** How many run before it. */ readonly position: number }
  | { readonly type: 'started' }
  | { readonly type: 'step'; /** Done, from 1. */ readonly step: number; readonly steps: number }
  | {
      readonly type: 'preview';
      readonly step: number;
      readonly steps: number;
      /** PNGs of the latents' size, base64. */ readonly images: readonly string[];
    }
  | { readonly type: 'memory'; /** Resident, of both processes. */ readonly bytes: number }
  | { readonly type: 'image'; readonly image: JobImage }
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly error: JobFailure };

/** An event with its place in the job: 1, 2, … */
export interface NumberedEvent {
  readonly number: number;
  readonly event: JobEvent;
}

/** How far a job is. */
export type JobStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** All that is known of a job. */
export interface JobState extends Job {
  readonly status: JobStatus;
  /** How many run before it; 0 once it runs. */
  readonly position: number;
  readonly step: number;
  /** 0 before it is known. */
  readonly steps: number;
  readonly images: readonly JobImage[];
  readonly error?: JobFailure;
  readonly startedAt?: number;
  readonly finishedAt?: number;
}
