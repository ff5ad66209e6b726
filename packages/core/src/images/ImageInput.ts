import type { Tensor } from 'onnxruntime-common';
import type { ImageSource } from './decodeImage.js';
import type { Image } from './Image.js';

/**
 * A picture that a run is given: an image; a path, a `file:` URL or the bytes of a PNG, JPEG, WebP or AVIF; or a float32 tensor [n, channels, height, width],
 * which may hold several.
 */
export type ImageInput = Image | ImageSource | Tensor;

/** Whether a value can be a picture. By what it has, because it may come from another copy of the package. */
export function isImageInput(value: unknown): value is ImageInput {
  if (typeof value === 'string') return value.length > 0;
  return value instanceof Uint8Array || value instanceof URL || isPlainImage(value) || isTensor(value);
}

/** Whether a value is a float32 tensor with four axes. */
export function isTensor(value: unknown): value is Tensor {
  const { type, dims } = (value ?? {}) as Partial<Tensor>;
  return type === 'float32' && dims?.length === 4;
}

/** Whether a value is an image in memory. */
export function isPlainImage(value: unknown): value is Image {
  const { width, height, channels, data } = (value ?? {}) as Partial<Image>;
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
  if (!isCount(width) || !isCount(height) || ![1, 3, 4].includes(Number(channels))) return false;
  return data instanceof Uint8Array && data.length === Number(width) * Number(height) * Number(channels);
}
