import { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../../fields/refuseOption.js';
import { toGrey } from '../../images/grey.js';
import type { PlainImage } from '../../images/ImageParts.js';
import { resizeImage } from '../../images/resize/resizeImage.js';
import { resizeNearest } from '../../images/resize/resizeNearest.js';
import type { LoadedPictures, Warn } from './loadPictures.js';
import type { StartMask } from './Pictures.js';
import { checkPixels } from './pixelTensors.js';

/** Levels from here on are white. */
const WHITE = 128;

/**
 * Masks at the size of a run, each pixel black or white: images are resized by Lanczos, then grey, tensors to the nearest pixel, as in diffusers.
 *
 * @throws ERR_ARGUMENT_INVALID for a tensor with several channels, or values beyond [0, 1]
 */
export async function maskOf(
  loaded: LoadedPictures,
  { width, height }: { readonly width: number; readonly height: number },
  warn: Warn,
): Promise<StartMask> {
  const mask =
    'tensor' in loaded ? ofTensor(loaded.tensor, width, height) : await ofImages(loaded.images, width, height);
  if (!mask.bits.includes(1))
    warn(
      'WARN_MASK_EMPTY',
      'The mask is black everywhere, so that nothing of the picture is made anew: white is what is.',
    );
  return mask;
}

async function ofImages(images: readonly PlainImage[], width: number, height: number): Promise<StartMask> {
  const bits = new Uint8Array(images.length * width * height);
  for (const [n, image] of images.entries()) {
    const { data } = toGrey(await resizeImage(image, { width, height }));
    bits.set(
      data.map((level) => (level >= WHITE ? 1 : 0)),
      n * width * height,
    );
  }
  return { count: images.length, bits };
}

function ofTensor(tensor: Tensor, width: number, height: number): StartMask {
  const [count = 0, channels] = tensor.dims;
  if (channels !== 1) refuseOption('maskImage', `float32 [${tensor.dims.join(', ')}]`, 'float32 [n, 1, height, width]');
  checkPixels('maskImage', tensor);
  const levels = resizeNearest(tensor, height, width).data as Float32Array;
  return { count, bits: Uint8Array.from(levels, (level) => (level >= 0.5 ? 1 : 0)) };
}

/** The mask of latents that are `columns` wide, float32 [count, 1, h, w]: that of the top left pixel of each. */
export function latentMask(
  { count, bits }: StartMask,
  { width, height }: { readonly width: number; readonly height: number },
  columns: number,
): Tensor {
  const step = width / columns;
  const data = new Float32Array((count * height * columns) / step);
  let at = 0;
  for (let y = 0; y < count * height; y += step)
    for (let x = 0; x < width; x += step) data[at++] = bits[y * width + x] as number;
  return new Tensor('float32', data, [count, 1, height / step, columns]);
}

/** A picture in [-1, 1] with 0, grey, where its mask is 1. In place. */
export function blankOut(sample: Tensor, { count, bits }: StartMask): Tensor {
  const [pictures = 1, channels = 3, rows = 1, columns = 1] = sample.dims;
  const data = sample.data as Float32Array;
  const plane = rows * columns;
  for (let n = 0; n < pictures; n++)
    for (let channel = 0; channel < channels; channel++)
      for (let i = 0; i < plane; i++)
        if (bits[(n % count) * plane + i] === 1) data[(n * channels + channel) * plane + i] = 0;
  return sample;
}
