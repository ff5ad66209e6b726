import { checkMembers } from '../fields/checkMembers.js';
import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { GrowingImage, pixelOfSample } from './GrowingImage.js';
import type { Image } from './Image.js';

const CHANNELS = 3;

/** Gives the texts to write into the n-th image of a batch. */
export type ImageMetadata = (index: number) => Readonly<Record<string, string>>;

/**
 * Makes images of what a decoder gives.
 *
 * @param sample float32 [N, 3, H, W] in [-1, 1]; what is beyond is cut off
 * @throws `ERR_TENSOR_DTYPE`, `ERR_TENSOR_SHAPE`; `ERR_IMAGE_NAN` if there is a NaN
 */
export function imagesFromSample(sample: Tensor, metadata?: ImageMetadata): Image[] {
  return toImages(sample, pixelOfSample, metadata);
}

/**
 * Makes images of pixels.
 *
 * @param pixels float32 [N, 3, H, W] in [0, 1]; what is beyond is cut off
 * @throws `ERR_TENSOR_DTYPE`, `ERR_TENSOR_SHAPE`; `ERR_IMAGE_NAN` if there is a NaN
 */
export function imagesFromPixels(pixels: Tensor, metadata?: ImageMetadata): Image[] {
  return toImages(pixels, (x) => x, metadata);
}

/**
 * The pixels in what a decoder gives: `x / 2 + 1/2`, held in [0, 1].
 *
 * @param sample float32 of any shape, in [-1, 1]
 * @returns a new float32 tensor of the same shape
 * @throws `ERR_TENSOR_DTYPE`
 */
export function pixelsFromSample(sample: Tensor): Tensor {
  return new Tensor(
    'float32',
    float32Of(sample).map((x) => Math.min(Math.max(pixelOfSample(x), 0), 1)),
    sample.dims,
  );
}

function toImages(tensor: Tensor, pixelOf: (x: number) => number, metadata: ImageMetadata | undefined): Image[] {
  const data = float32Of(tensor);
  const [count = 0, channels, height = 0, width = 0] = tensor.dims;
  if (tensor.dims.length !== 4 || channels !== CHANNELS)
    throw new ThimbleError('ERR_TENSOR_SHAPE', { got: tensor.dims, expected: `[N, ${CHANNELS}, H, W]` });
  const size = CHANNELS * width * height;
  return Array.from({ length: count }, (_, index) => {
    const image = new GrowingImage(index, width, height, pixelOf);
    image.add(0, data.subarray(index * size, (index + 1) * size));
    return image.toImage(metadata?.(index));
  });
}

function float32Of(tensor: Tensor): Float32Array {
  checkMembers('tensor', tensor, 'a tensor', ['type', 'dims', 'data']);
  if (tensor.type === 'float32') return tensor.data as Float32Array;
  throw new ThimbleError('ERR_TENSOR_DTYPE', { got: tensor.type, expected: 'float32' });
}
