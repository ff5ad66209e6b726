import { Image, isThimbleError } from '@thimble/core';
import { ServerError } from '../ServerError.js';
import { fetchPicture } from './fetchPicture.js';

/** Options of a {@link PictureReader}. */
export interface PictureReaderOptions {
  /** More are refused by the header, before anything is decoded. */
  readonly maxPixels: number;
  /** Of a picture that is fetched. */
  readonly bodyLimit: number;
  readonly allowUrls: boolean;
}

/** A picture that can be decoded. */
export interface ReadPicture {
  /** As it was sent. */
  readonly bytes: Uint8Array;
  readonly image: Image;
}

/** Reads the pictures of requests. */
export class PictureReader {
  readonly #options: PictureReaderOptions;

  constructor(options: PictureReaderOptions) {
    this.#options = options;
  }

  /** A picture in JSON: base64, a `data:` URL, or an address. @throws ERR_REQUEST_INVALID, ERR_REQUEST_LIMIT naming `param`; ERR_URL_REFUSED */
  async read(value: unknown, param: string): Promise<ReadPicture> {
    if (typeof value !== 'string') throw refused(param, 'expected a picture, as base64 or a data: URL');
    if (/^https?:/i.test(value)) {
      if (!this.#options.allowUrls) throw new ServerError('ERR_URL_REFUSED', { reason: 'this server reads none' });
      return this.check(await fetchPicture(value, { maxBytes: this.#options.bodyLimit }), param);
    }
    const base64 = value.replace(/^data:[^,]{0,100};base64,/i, '');
    if (!/^[A-Za-z0-9+/_-]+={0,2}\s*$/.test(base64))
      throw refused(param, 'expected a picture, as base64 or a data: URL');
    return this.check(Buffer.from(base64, 'base64'), param);
  }

  /** The picture that a file holds. @throws ERR_REQUEST_INVALID, ERR_REQUEST_LIMIT naming `param` */
  async check(bytes: Uint8Array, param: string): Promise<ReadPicture> {
    const { maxPixels } = this.#options;
    try {
      return { bytes, image: await Image.open(bytes, { maxPixels }) };
    } catch (error) {
      if (isThimbleError(error, 'ERR_IMAGE_SIZE')) {
        const { width, height } = error.details;
        throw new ServerError('ERR_REQUEST_LIMIT', {
          param,
          value: `${width}x${height}`,
          largest: `${maxPixels} pixels`,
        });
      }
      throw refused(param, 'it is no PNG, JPEG, WebP or AVIF, or is damaged');
    }
  }
}

function refused(param: string, problem: string): Error {
  return new ServerError('ERR_REQUEST_INVALID', { param, problem });
}
