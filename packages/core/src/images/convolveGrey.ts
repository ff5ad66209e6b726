import { checkNumber } from '../fields/checkNumber.js';
import { refuseOption } from '../fields/refuseOption.js';
import { toGrey } from './grey.js';
import type { PlainImage } from './ImageParts.js';
import { loadSharp } from './loadSharp.js';

const SIDE = 3;

/**
 * Convolves a picture's grey levels, 0 to 255, with a kernel of 3×3: float32, row by row, of either sign. By sharp, which gives bytes: each sign is a convolution of its own, rounded to
 * steps of `scale` and cut at 255 of them.
 *
 * @throws ERR_ARGUMENT_INVALID for a kernel of another size, a scale that is none, and a picture smaller than the kernel
 */
export async function convolveGrey(image: PlainImage, kernel: readonly number[], scale = 1): Promise<Float32Array> {
  if (!Array.isArray(kernel) || kernel.length !== SIDE ** 2 || !kernel.every(Number.isFinite))
    refuseOption('kernel', kernel, `${SIDE ** 2} numbers, row by row`);
  checkNumber('scale', scale, Number.MIN_VALUE);
  const { width, height, data } = toGrey(image);
  if (Math.min(width, height) < SIDE)
    refuseOption('image', `${width}x${height}`, `a picture of ${SIDE}x${SIDE} pixels or more`);
  const sharp = await loadSharp();
  const half = async (sign: number): Promise<Uint8Array> =>
    sharp(data, { raw: { width, height, channels: 1 } })
      .convolve({ width: SIDE, height: SIDE, kernel: kernel.map((weight) => sign * weight), scale })
      .toColourspace('b-w')
      .raw()
      .toBuffer();
  const [more, less] = [await half(1), await half(-1)];
  return Float32Array.from({ length: width * height }, (_, i) => ((more[i] ?? 0) - (less[i] ?? 0)) * scale);
}
