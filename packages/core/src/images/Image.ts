import { ThimbleError } from '../errors.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import { decodeImage, type ImageSource, MAX_PIXELS, type OpenImageOptions } from './decodeImage.js';
import { checkEncodeOptions, encodeImage, type EncodeImageOptions } from './encodeImage.js';
import { checkImageFormat, imageFormatOf, type ImageFormat } from './ImageFormat.js';
import type { ImageParts, PlainImage } from './ImageParts.js';
import { checkPath } from '../fields/checkPath.js';
import { refuseOption } from '../fields/refuseOption.js';
import { writeFileAtomically } from '../disk/writeFileAtomically.js';

/** A picture in memory, 8 bits a channel. */
export class Image implements PlainImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  /** Row by row from the top, a pixel's channels side by side. */
  readonly data: Uint8Array;
  /** Texts that {@link Image.save} writes into the file; may be added to. */
  readonly metadata: Record<string, string>;

  /**
   * Reads a PNG, JPEG, WebP or AVIF: turned upright, 8 bits a channel, with its transparency as a fourth one.
   *
   * @param source a path, a `file:` URL, or the bytes of a file
   * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`; `ERR_IMAGE_SIZE` for more than `maxPixels`, by default 100 million; `ERR_IMAGE_DECODE` for another format, and for a file that is damaged or cut off
   */
  static async open(source: ImageSource, options: OpenImageOptions = {}): Promise<Image> {
    checkOptionNames(options, ['maxPixels'], 'Image.open');
    const { maxPixels = MAX_PIXELS } = options;
    checkCount('maxPixels', maxPixels);
    return new Image(await decodeImage(source, { maxPixels }));
  }

  /** @throws `ERR_ARGUMENT_INVALID` unless `data` has the length that goes with the size */
  constructor(parts: ImageParts) {
    if (typeof parts !== 'object' || parts === null) refuseOption('image', parts, 'an object');
    const { width, height, channels = 3, data, metadata = {} } = parts;
    checkCount('width', width);
    checkCount('height', height);
    if (![1, 3, 4].includes(channels))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'channels', value: channels, expected: '1, 3 or 4' });
    if (!ArrayBuffer.isView(data)) refuseOption('data', data, 'a Uint8Array');
    const length = width * height * channels;
    if (data.length !== length) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'data',
        value: `${data.length} bytes`,
        expected: `${length}, for ${width}x${height} with ${channels} channels`,
      });
    }
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.data = data;
    this.metadata = { ...metadata };
  }

  /**
   * Writes the image to a file, in the format of its extension. The file is there as a whole or not at all: it is written
   * under another name and renamed.
   *
   * @param path ends in `.png`, `.webp`, `.jpg`, `.jpeg` or `.raw`; its folder exists
   * @throws `ERR_IMAGE_FORMAT` for another extension; `ERR_FILE_NOT_FOUND` if the folder does not exist; `ERR_FILE_ACCESS`,
   * `ERR_DISK_FULL`; `ERR_IMAGE_ENCODE` if the format cannot hold the image
   */
  async save(path: string, options: EncodeImageOptions = {}): Promise<void> {
    checkEncodeOptions(options, 'Image.save');
    checkPath('path', path);
    const format = imageFormatOf(path);
    await writeFileAtomically(path, await encodeImage(this, format, options));
  }

  /**
   * The image as the bytes of a file.
   *
   * @throws `ERR_IMAGE_FORMAT` for an unknown format; `ERR_IMAGE_ENCODE` if the format cannot hold the image
   */
  async toBuffer(format: ImageFormat = 'png', options: EncodeImageOptions = {}): Promise<Buffer> {
    checkEncodeOptions(options, 'Image.toBuffer');
    return encodeImage(this, checkImageFormat(format), options);
  }
}

function checkCount(argument: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected: 'an integer from 1' });
}
