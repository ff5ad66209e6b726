import type { PlainImage } from './ImageParts.js';

/** A rectangle of pixels. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The part of an image that a rectangle inside it covers. */
export function crop(image: PlainImage, { left, top, width, height }: Rectangle): PlainImage {
  const out: PlainImage = { ...image, width, height, data: new Uint8Array(width * height * image.channels) };
  paste(out, image, -left, -top);
  return out;
}

/** Writes an image over another one, from the column `left` and the row `top` on, as far as it fits. */
export function paste(onto: PlainImage, image: PlainImage, left: number, top: number): void {
  const { channels } = onto;
  const [first, last] = [Math.max(0, -left), Math.min(image.width, onto.width - left)];
  for (let y = Math.max(0, -top); y < Math.min(image.height, onto.height - top); y++) {
    const from = y * image.width * channels;
    const row = image.data.subarray(from + first * channels, from + last * channels);
    onto.data.set(row, ((y + top) * onto.width + left + first) * channels);
  }
}
