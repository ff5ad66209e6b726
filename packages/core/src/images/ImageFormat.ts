import { extname } from 'node:path';
import { ThimbleError } from '../errors.js';

/** How an image is written; `raw` is its bytes, row by row, and nothing else. */
export type ImageFormat = 'png' | 'webp' | 'jpg' | 'jpeg' | 'raw';

const FORMATS: readonly ImageFormat[] = ['png', 'webp', 'jpg', 'jpeg', 'raw'];

/** @throws `ERR_IMAGE_FORMAT` if `format` is none */
export function checkImageFormat(format: string): ImageFormat {
  const known = FORMATS.find((each) => each === format);
  if (known) return known;
  throw new ThimbleError('ERR_IMAGE_FORMAT', { format, supported: FORMATS });
}

/**
 * The format that a path's extension names, in capitals or not.
 *
 * @throws `ERR_IMAGE_FORMAT` if it names none
 */
export function imageFormatOf(path: string): ImageFormat {
  const extension = extname(path);
  const known = FORMATS.find((each) => `.${each}` === extension.toLowerCase());
  if (known) return known;
  throw new ThimbleError('ERR_IMAGE_FORMAT', { format: path, supported: FORMATS.map((each) => `.${each}`) });
}
