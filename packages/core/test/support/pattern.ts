import { createHash } from 'node:crypto';
import { Image } from '../../src/images/Image.js';

/** A picture of bytes that look like nothing: `(37 x + 91 y + 53 channel + 17 seed + 7 x y) % 256`. */
export function pattern(width: number, height: number, channels: 1 | 3 | 4 = 3, seed = 0): Image {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [channel, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return (37 * x + 91 * y + 53 * channel + 17 * seed + 7 * x * y) % 256;
  });
  return new Image({ width, height, channels, data });
}

/** The first half of a SHA-256's first half, to compare bytes with what another program made. */
export function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 16);
}
