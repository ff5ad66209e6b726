import { checkOptionNames } from '../fields/checkOptionNames.js';
import { ThimbleError } from '../errors.js';
import type { PlainImage } from './ImageParts.js';
import type { ImageFormat } from './ImageFormat.js';
import { encodePng } from './encodePng.js';
import { encodeWithSharp } from './encodeWithSharp.js';

/** How an image is compressed. */
export interface EncodeImageOptions {
  /** webp and jpg: 1 to 100. Default 90. */
  readonly quality?: number | undefined;
  /** webp: keep every pixel as it is. */
  readonly lossless?: boolean | undefined;
  /** png: 0, fast and large, to 9, slow and small. Default 6. */
  readonly compressionLevel?: number | undefined;
}

/**
 * The bytes of a file with the image in it.
 *
 * @param options checked by {@link checkEncodeOptions}
 * @throws `ERR_IMAGE_ENCODE` if the format cannot hold the image
 */
export async function encodeImage(
  image: PlainImage,
  format: ImageFormat,
  options: EncodeImageOptions,
): Promise<Buffer> {
  const { quality = 90, lossless = false, compressionLevel = 6 } = options;
  switch (format) {
    case 'raw':
      return Buffer.from(image.data);
    case 'png':
      return encodePng(image, compressionLevel);
    case 'webp':
      return encodeWithSharp(image, 'webp', { quality, lossless });
    case 'jpg':
    case 'jpeg':
      return encodeWithSharp(image, 'jpeg', { quality });
  }
}

/** @throws `ERR_ARGUMENT_INVALID` for another option, or one out of range */
export function checkEncodeOptions(options: EncodeImageOptions, of: string): void {
  checkOptionNames(options, ['quality', 'lossless', 'compressionLevel'], of);
  const { quality = 90, lossless = false, compressionLevel = 6 } = options;
  checkRange('quality', quality, 1, 100);
  checkRange('compressionLevel', compressionLevel, 0, 9);
  if (typeof lossless !== 'boolean')
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'lossless',
      value: lossless,
      expected: 'true or false',
    });
}

function checkRange(argument: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected: `an integer from ${min} to ${max}` });
}
