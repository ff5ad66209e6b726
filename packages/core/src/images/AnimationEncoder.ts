import { ThimbleError } from '../errors.js';
import type { PlainImage } from './ImageParts.js';
import type { VideoEncoder, VideoSettings } from './VideoEncoder.js';

/** GIF and WebP animations that repeat, by sharp, which takes all frames at once. */
export class AnimationEncoder implements VideoEncoder {
  readonly #format: 'gif' | 'webp';
  readonly #settings: VideoSettings;
  readonly #frames: PlainImage[] = [];

  constructor(format: 'gif' | 'webp', settings: VideoSettings) {
    this.#format = format;
    this.#settings = settings;
  }

  async add(frame: PlainImage): Promise<void> {
    this.#frames.push(frame);
  }

  async finish(): Promise<Uint8Array> {
    const { width, height, channels } = this.#frames[0] as PlainImage;
    const pages = this.#frames.length;
    const options = { loop: 0, delay: this.#frames.map(() => Math.round(1000 / this.#settings.fps)) };
    try {
      const { default: sharp } = await import('sharp');
      sharp.cache(false);
      sharp.concurrency(1);
      const pipeline = sharp(Buffer.concat(this.#frames.map(({ data }) => data)), {
        raw: { width, height: height * pages, channels, pageHeight: height },
      });
      return await (
        this.#format === 'gif'
          ? pipeline.gif(options)
          : pipeline.webp({ ...options, quality: Math.max(1, 10 * this.#settings.quality) })
      ).toBuffer();
    } catch (cause) {
      const reason = (cause as { message?: unknown } | null)?.message ?? cause;
      throw new ThimbleError('ERR_VIDEO_ENCODE', { format: this.#format, reason: String(reason) }, { cause });
    }
  }

  dispose(): void {
    this.#frames.length = 0;
  }
}
