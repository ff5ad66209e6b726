import type { PlainImage } from './ImageParts.js';

/** An image without transparency. */
export interface Flattened {
  /** 1 channel or 3. */
  readonly image: PlainImage;
  /** Whether anything was transparent. */
  readonly transparent: boolean;
}

/** Lays an image on a background of one level; without transparency it comes back as it is, or without its fourth channel. */
export function flatten(image: PlainImage, background: number): Flattened {
  if (image.channels !== 4) return { image, transparent: false };
  const { width, height, data: rgba } = image;
  const rgb = new Uint8Array(3 * width * height);
  let transparent = false;
  for (let i = 0; i < width * height; i++) {
    const alpha = rgba[4 * i + 3] as number;
    transparent ||= alpha < 255;
    for (let channel = 0; channel < 3; channel++)
      rgb[3 * i + channel] = Math.round(((rgba[4 * i + channel] as number) * alpha + background * (255 - alpha)) / 255);
  }
  return { image: { ...image, channels: 3, data: rgb }, transparent };
}
