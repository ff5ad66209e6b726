import { ThimbleError } from '../errors.js';
import { Image } from './Image.js';

const CHANNELS = 3;

/** A picture that is made from rows of numbers as they come, so that all of them never have to be there at once. */
export class GrowingImage {
  readonly #index: number;
  readonly #width: number;
  readonly #height: number;
  readonly #bytes: Uint8ClampedArray;
  readonly #pixelOf: (x: number) => number;
  #missing: number;
  #notNumbers = 0;

  /**
   * @param index which picture of a batch it is, for messages
   * @param pixelOf makes a number a pixel in [0, 1]; default: of a sample in [-1, 1]
   */
  constructor(index: number, width: number, height: number, pixelOf: (x: number) => number = pixelOfSample) {
    this.#index = index;
    this.#width = width;
    this.#height = height;
    this.#bytes = new Uint8ClampedArray(CHANNELS * width * height);
    this.#pixelOf = pixelOf;
    this.#missing = height;
  }

  /** Whether all rows are there. */
  get complete(): boolean {
    return this.#missing === 0;
  }

  /** Adds rows from `top` on: `data` holds them channel by channel. */
  add(top: number, data: Float32Array): void {
    const plane = data.length / CHANNELS;
    const start = top * this.#width * CHANNELS;
    for (let i = 0; i < plane; i++) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        const x = data[channel * plane + i] as number;
        if (Number.isNaN(x)) this.#notNumbers++;
        // A byte is round(255 · pixel), half to even, as numpy rounds: that is how a clamped array stores a number.
        this.#bytes[start + i * CHANNELS + channel] = Math.fround(255 * this.#pixelOf(x));
      }
    }
    this.#missing -= plane / this.#width;
  }

  /** The picture. @throws ERR_IMAGE_NAN if there was a NaN */
  toImage(metadata: Readonly<Record<string, string>> = {}): Image {
    if (this.#notNumbers > 0) throw new ThimbleError('ERR_IMAGE_NAN', { image: this.#index, count: this.#notNumbers });
    return new Image({
      width: this.#width,
      height: this.#height,
      channels: CHANNELS,
      data: new Uint8Array(this.#bytes.buffer),
      metadata,
    });
  }
}

/** The pixel, about [0, 1], of a number that a decoder gives, about [-1, 1]. */
export function pixelOfSample(x: number): number {
  return Math.fround(x / 2 + 0.5);
}
