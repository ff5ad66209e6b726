/** `GET /server`. */
export interface ServerFacts {
  readonly version: string;
  /** Whether one can sign out. */
  readonly guarded: boolean;
  readonly limits: { readonly images: number; readonly steps: number; readonly pixels: number };
  readonly schedulers: readonly string[];
}

/** `GET /v1/models`. */
export interface ModelList {
  readonly data: readonly { readonly id: string }[];
}

/** `GET /v1/models/NAME`: what it takes is known once it was open. */
export interface ModelAnswer {
  readonly id: string;
  readonly options?: { readonly properties: Readonly<Record<string, object>> };
  readonly defaults?: Readonly<Record<string, string | number | boolean>>;
  readonly memory_limit?: number;
}

/** A picture of a job. */
export interface JobImageAnswer {
  readonly index: number;
  readonly url: string;
}

/** Why a job has no result. */
export interface JobFailureAnswer {
  readonly code: string;
  readonly message: string;
  readonly param?: string;
}

/** `GET /jobs/ID`. */
export interface JobAnswer {
  readonly id: string;
  readonly status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly position: number;
  readonly prompt: string;
  readonly model: string;
  readonly progress: { readonly step: number; readonly steps: number };
  readonly images: readonly JobImageAnswer[];
  readonly error?: JobFailureAnswer;
  readonly created_at: number;
  readonly started_at: number | null;
}
