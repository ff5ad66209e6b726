import type { Tensor } from 'onnxruntime-common';
import type { LoadEvent, ModelEvent, ProgressEvent } from '../execution/ComponentEvent.js';
import type { MemoryReport } from '../hooks/calls/MemoryReport.js';
import type { Image } from '../images/Image.js';
import type { GenerateResult, OutputType } from './GenerateOptions.js';

/** Something the user should know that is no error. `code` is stable. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly code: string;
  readonly message: string;
}

/** A distilled checkpoint's values are taken where nothing was said. Comes first in a run. */
export interface PresetEvent {
  readonly type: 'preset';
  /** Such as `sd-turbo`. */
  readonly name: string;
  /** The values that are taken, by the names of options. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The same in words: "1 step, guidance 0: preset for sd-turbo". */
  readonly message: string;
}

/** The run waits for others of the pipeline. Comes again whenever one of them has ended. */
export interface QueuedEvent {
  readonly type: 'queued';
  /** How many runs come before, the one that goes on among them. */
  readonly ahead: number;
}

/** A model step is done. */
export interface StepEvent {
  readonly type: 'step';
  /** From 0 to `steps` - 1. */
  readonly index: number;
  readonly steps: number;
  /** The scheduler's: falls to 0. */
  readonly timestep: number;
  readonly milliseconds: number;
  /** The latents after the step, float32 [n, c, h, w], of videos [n, frames, c, h, w], in the scheduler's scale; a copy. */
  latents(): Promise<Tensor>;
}

/** One picture is done; the others may follow. */
export interface ImageEvent {
  readonly type: 'image';
  /** Which of the run, from 0. */
  readonly index: number;
  readonly image: Image;
  /** Its seed; absent where a `generator` or `latents` and no noise were given. */
  readonly seed: number | undefined;
}

/** One frame of a video is done; the others may follow. */
export interface FrameEvent {
  readonly type: 'frame';
  /** Which video of the run, from 0. */
  readonly index: number;
  /** Which frame of the video, from 0. */
  readonly frame: number;
  readonly image: Image;
}

/** The latents were decoded. */
export interface DecodeEvent {
  readonly type: 'decode';
  readonly images: number;
  readonly milliseconds: number;
}

/** Small pictures of what the latents look like after a step. */
export interface PreviewEvent {
  readonly type: 'preview';
  readonly index: number;
  /** One per image, 8 bits a channel, at the size of the latents; by a small VAE at that of the pictures. */
  readonly images: readonly Image[];
}

/** What both processes hold now. */
export interface MemoryEvent {
  readonly type: 'memory';
  readonly memory: MemoryReport;
}

/** The last event of a run. */
export interface DoneEvent<O extends OutputType = OutputType> {
  readonly type: 'done';
  readonly result: GenerateResult<O>;
}

/** What `pipe.stream` yields. */
export type PipelineEvent<O extends OutputType = OutputType> =
  | QueuedEvent
  | PresetEvent
  | WarningEvent
  | LoadEvent
  | ModelEvent
  | StepEvent
  | ProgressEvent
  | ImageEvent
  | FrameEvent
  | DecodeEvent
  | PreviewEvent
  | MemoryEvent
  | DoneEvent<O>;
