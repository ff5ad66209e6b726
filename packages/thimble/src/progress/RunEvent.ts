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

/** What happens on the way to the pictures: core's events, with files in place of pictures. */
export type RunEvent = DownloadEvent | SavedPreviewEvent | SavedImageEvent | Exclude<PipelineEvent, { readonly type: 'preview' | 'image' | 'done' }>;
