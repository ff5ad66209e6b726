import type { DownloadEvent, PipelineEvent } from '@thimble/core';

/** Small pictures of a step, where they were written. */
export interface SavedPreviewEvent {
  readonly type: 'preview';
  readonly index: number;
  readonly images: readonly string[];
}

/** What happens on the way to the pictures: core's events, with files in place of pictures. */
export type RunEvent = DownloadEvent | SavedPreviewEvent | Exclude<PipelineEvent, { readonly type: 'preview' | 'done' }>;
