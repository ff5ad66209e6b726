import { Tensor } from 'onnxruntime-common';
import type { PlainImage } from './ImageParts.js';

/** What an encoder is given of images of one size with three channels: float32 [n, 3, height, width], `2 · byte / 255 - 1`. */
export function samplesOfImages(images: readonly PlainImage[]): Tensor {
  const [{ width, height }] = images as readonly [PlainImage, ...PlainImage[]];
  const plane = width * height;
  const levels = Float32Array.from({ length: 256 }, (_, byte) => 2 * Math.fround(byte / 255) - 1);
  const out = new Float32Array(images.length * 3 * plane);
  for (const [n, { data }] of images.entries())
    for (let channel = 0; channel < 3; channel++)
      for (let i = 0; i < plane; i++)
        out[(3 * n + channel) * plane + i] = levels[data[3 * i + channel] as number] as number;
  return new Tensor('float32', out, [images.length, 3, height, width]);
}
