import type { SegmentHandle } from './SegmentHandle.js';

/** One component of a pipeline, as plugins see it: what they need to decide what is in memory when. */
export interface ComponentHandle {
  /** Its key in the pipeline's components: `unet`, `vae`, `text_encoder`. */
  readonly name: string;
  /** The contents of its `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly loaded: boolean;
  /** Weights of the segments that are loaded, in bytes. */
  readonly residentBytes: number;
  /** In the order of execution. */
  readonly segments: readonly SegmentHandle[];
  /**
   * Loads every segment; nothing if they are.
   *
   * @throws `signal.reason` if aborted.
   */
  load(signal?: AbortSignal): Promise<void>;
  /** Frees every segment; nothing if none is loaded. */
  unload(): Promise<void>;
}
