import type { GenerateFlags } from '../generate/GenerateFlags.js';

/** Formats that videos are written in. */
export type VideoFormat = 'mp4' | 'gif' | 'webp';

/** All formats that videos can be written in. */
export const VIDEO_FORMATS: readonly [VideoFormat, ...VideoFormat[]] = ['mp4', 'gif', 'webp'];

/** The options of `thimble video`, as commander parsed them. */
export interface VideoFlags extends Omit<
  GenerateFlags,
  'count' | 'clipSkip' | 'timesteps' | 'sigmas' | 'preview' | 'format'
> {
  readonly frames?: number;
  readonly fps: number;
  readonly quality?: number;
  readonly dynamicGuidance?: boolean;
  readonly format?: VideoFormat;
}
