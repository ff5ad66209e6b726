import type { DownloadEvent, PipelineEvent } from '@thimble/core';

/** Small pictures of a step, where they were written. */
export interface SavedPreviewEvent {
  readonly type: 'preview';
  readonly index: number;
  readonly images: readonly string[];
}

/** A picture that is done, where it was written. */
export interface SavedImageEvent {
  readonly type: 'image';
  readonly index: number;
  readonly seed: number | undefined;
  readonly path: string;
}

/** A frame of a video is decoded. */
export interface DecodedFrameEvent {
  readonly type: 'frame';
  readonly index: number;
  readonly frame: number;
}

/** What happens on the way to the pictures: core's events, with files in place of pictures. */
export type RunEvent =
  | DownloadEvent
  | SavedPreviewEvent
  | SavedImageEvent
  | DecodedFrameEvent
  | Exclude<PipelineEvent, { readonly type: 'preview' | 'image' | 'frame' | 'done' }>;
