import type { Tensor } from 'onnxruntime-common';
import type { PlainImage } from '../../images/ImageParts.js';
import type { Rectangle } from '../../images/crop.js';

/** The pictures that a run begins with, and the size of what it makes. */
export interface Pictures {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly image: StartImage;
  /** None for a run that makes all anew. */
  readonly mask?: StartMask;
  /** Where the run works on a part of a picture. */
  readonly crop?: PictureCrop;
}

/** Pictures of the run's size. */
export interface StartImage {
  readonly count: number;
  /** Latents at the scale of the denoiser, in place of pixels. */
  readonly latents: Tensor | undefined;
  /** Makes float32 [count, 3, height, width] in [-1, 1]: nobody holds on to it. */
  readonly pixels: () => Tensor;
}

/** Masks of the run's size. */
export interface StartMask {
  /** 1, or one for each picture. */
  readonly count: number;
  /** One byte for each pixel, row by row: 1 where it is made anew, else 0. */
  readonly bits: Uint8Array;
}

/** The part of a picture that a run works on. */
export interface PictureCrop {
  readonly region: Rectangle;
  /** The whole picture, with three channels. */
  readonly original: PlainImage;
  /** Its mask with all levels, of the same size, with one channel. */
  readonly mask: PlainImage;
}
