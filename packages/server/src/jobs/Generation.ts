import type { JobRequest, JsonValue } from './Job.js';

/** What a client asks for, in core's words, before its seeds are drawn and its pictures are stored. */
export interface Generation extends Omit<JobRequest, 'model' | 'pictures' | 'options'> {
  /** The server's first one by default. */
  readonly model?: string;
  readonly options: Readonly<Record<string, JsonValue>>;
  /** Files, by the names of their options. */
  readonly pictures: Readonly<Record<string, Uint8Array>>;
}
