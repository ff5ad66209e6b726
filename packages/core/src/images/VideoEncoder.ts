import type { PlainImage } from './ImageParts.js';

/** How a video is encoded. */
export interface VideoSettings {
  /** Frames a second. */
  readonly fps: number;
  /** 0 to 10. */
  readonly quality: number;
}

/** Makes a video of frames that come one by one, all of one size. */
export interface VideoEncoder {
  /** @throws ERR_VIDEO_ENCODE; ERR_ARGUMENT_INVALID for a size that the format cannot hold */
  add(frame: PlainImage): Promise<void>;
  /** The bytes of the file. @throws ERR_VIDEO_ENCODE */
  finish(): Promise<Uint8Array>;
  /** Frees what is held, after the end or instead of it. */
  dispose(): void;
}
