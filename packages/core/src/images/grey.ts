import type { PlainImage } from './ImageParts.js';

/** The brightness of each pixel, as PIL's mode L: 0.299 red, 0.587 green and 0.114 blue, in sixteenths of bits. */
export function toGrey(image: PlainImage): PlainImage {
  const { width, height, channels, data } = image;
  if (channels === 1) return image;
  const grey = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < grey.length; i++, from += channels) {
    const [red, green, blue] = [data[from] as number, data[from + 1] as number, data[from + 2] as number];
    grey[i] = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
  }
  return { ...image, channels: 1, data: grey };
}

/** Three equal channels of one. */
export function toRgb(image: PlainImage): PlainImage {
  const { width, height, channels, data } = image;
  if (channels !== 1) return image;
  const rgb = new Uint8Array(3 * width * height);
  for (const [i, level] of data.entries()) rgb.fill(level, 3 * i, 3 * i + 3);
  return { ...image, channels: 3, data: rgb };
}
