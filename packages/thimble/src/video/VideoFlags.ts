import type { GenerateFlags } from '../generate/GenerateFlags.js';

/** Formats that videos are written in. */
export type VideoFormat = 'mp4' | 'gif' | 'webp';

/** All formats that videos can be written in. */
export const VIDEO_FORMATS: readonly [VideoFormat, ...VideoFormat[]] = ['mp4', 'gif', 'webp'];

/** The options of `thimble video`, as commander parsed them. */
export interface VideoFlags extends Omit<GenerateFlags, 'count' | 'preview' | 'format'> {
  readonly fps: number;
  readonly quality?: number;
  readonly format?: VideoFormat;
}
