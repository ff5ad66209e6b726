import type * as H264 from 'h264-mp4-encoder';
import type { H264MP4Encoder } from 'h264-mp4-encoder';
import { systemErrorCode } from '../disk/fileSystemError.js';
import { ThimbleError } from '../errors.js';
import type { PlainImage } from './ImageParts.js';
import type { VideoEncoder, VideoSettings } from './VideoEncoder.js';

/** Of the encoder's quantiser: 10, good, to 51, small. */
const [FINEST, COARSEST] = [10, 51];
/** 0 takes longest and looks best, 10 is fastest; 2 encodes 40 frames of 720x480 a second. */
const SPEED = 2;
const SECONDS_PER_KEY_FRAME = 5;
const EVENTS = ['uncaughtException', 'unhandledRejection', 'exit'] as const;

/**
 * MP4 files with H.264 (baseline, yuv420p), by h264-mp4-encoder: minih264 and libmp4v2 as WebAssembly, which npm installs on every system, with no
 * binary of its own. It is loaded when the first frame comes.
 */
export class Mp4Encoder implements VideoEncoder {
  readonly #settings: VideoSettings;
  #encoder: H264MP4Encoder | undefined;
  #finished = false;

  constructor(settings: VideoSettings) {
    this.#settings = settings;
  }

  async add(frame: PlainImage): Promise<void> {
    const encoder = (this.#encoder ??= await this.#start(frame));
    this.#try(() => encoder.addFrameRgba(toRgba(frame)));
  }

  async finish(): Promise<Uint8Array> {
    const encoder = this.#encoder as H264MP4Encoder;
    return this.#try(() => {
      this.#finished = true;
      encoder.finalize();
      return encoder.FS.readFile(encoder.outputFilename);
    });
  }

  dispose(): void {
    const encoder = this.#encoder;
    this.#encoder = undefined;
    if (encoder === undefined) return;
    // It aborts where it is deleted in the middle of a video.
    if (!this.#finished) encoder.finalize();
    encoder.delete();
  }

  async #start({ width, height }: PlainImage): Promise<H264MP4Encoder> {
    if (width % 2 !== 0 || height % 2 !== 0) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'frames',
        value: `${width}x${height}`,
        expected: 'even sizes: in an MP4 four pixels share one colour',
      });
    }
    const { fps, quality } = this.#settings;
    const encoder = await createEncoder();
    return this.#try(() => {
      Object.assign(encoder, { width, height, frameRate: fps, speed: SPEED });
      encoder.quantizationParameter = Math.min(COARSEST, Math.max(FINEST, Math.round(COARSEST * (1 - quality / 10))));
      encoder.groupOfPictures = Math.ceil(fps * SECONDS_PER_KEY_FRAME);
      encoder.initialize();
      return encoder;
    });
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      const reason = (cause as { message?: unknown } | null)?.message ?? cause;
      throw new ThimbleError('ERR_VIDEO_ENCODE', { format: 'mp4', reason: String(reason) }, { cause });
    }
  }
}

/** WebAssembly's loader listens for failures of the whole process, and would end it on those of others. */
async function createEncoder(): Promise<H264MP4Encoder> {
  const before = EVENTS.map((event) => new Set(process.rawListeners(event)));
  try {
    // A CommonJS module: named imports of it are not there everywhere.
    const {
      default: { createH264MP4Encoder },
    } = (await import('h264-mp4-encoder')) as unknown as { default: typeof H264 };
    return await createH264MP4Encoder();
  } catch (cause) {
    const missing = systemErrorCode(cause) === 'ERR_MODULE_NOT_FOUND';
    const reason = missing ? 'its encoder is not installed: npm install h264-mp4-encoder' : String(cause);
    throw new ThimbleError('ERR_VIDEO_ENCODE', { format: 'mp4', reason }, { cause });
  } finally {
    for (const [i, event] of EVENTS.entries()) {
      for (const listener of process.rawListeners(event))
        if (!before[i]!.has(listener)) process.removeListener(event, listener as () => void);
    }
  }
}

function toRgba({ width, height, channels, data }: PlainImage): Uint8Array {
  if (channels === 4) return data;
  const out = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++)
      out[i * 4 + channel] = data[i * channels + (channels === 3 ? channel : 0)] as number;
    out[i * 4 + 3] = 255;
  }
  return out;
}
