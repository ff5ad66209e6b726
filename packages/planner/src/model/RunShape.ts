import type { RunPicture } from '@thimble/core/plugin';

/** How large a run is. */
export interface RunShape {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames of a video; 1 for a picture. */
  readonly frames: number;
  /** Pictures, or videos, in all. */
  readonly count: number;
  /** Model steps. */
  readonly steps: number;
  /** Whether the denoiser looks at each picture twice, with and without the prompt. */
  readonly guided: boolean;
  /** Pictures that the VAE encodes first. Default: none. */
  readonly pictures?: readonly RunPicture[];
}
