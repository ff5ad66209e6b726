import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { checkPath } from '../fields/checkPath.js';
import { fileSystemError } from '../disk/fileSystemError.js';
import { ThimbleError } from '../errors.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { ImageParts } from './ImageParts.js';
import type { Metadata } from 'sharp';
import { textsOf } from './exif/textsOf.js';
import { loadSharp, type Sharp } from './loadSharp.js';

/** What an encoded picture is read from: a path, a `file:` URL, or the bytes of a file. */
export type ImageSource = string | URL | Uint8Array;

/** More pixels than this are refused before any is decoded: 300 MB of colours. */
export const MAX_PIXELS = 100_000_000;

/** How a picture is read. */
export interface OpenImageOptions {
  /** More pixels than this are refused before any is decoded. Default, and at most, 100 million. */
  readonly maxPixels?: number | undefined;
}

/** For messages. */
const SOURCE = 'a path, a file: URL, or the bytes of a file';

/** As sharp names them; AVIF is a kind of HEIF. Others, such as SVG, draw pictures by programs of strangers. */
const FORMATS: readonly (string | undefined)[] = ['png', 'jpeg', 'webp', 'heif'];

/**
 * Decodes a PNG, JPEG, WebP or AVIF to 8 bits a channel, sRGB, 3 channels or 4: turned upright as its EXIF orientation says, with its transparency, and of an animation the
 * first picture. Its texts come as metadata.
 *
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`; `ERR_IMAGE_SIZE` beyond `maxPixels`, found in the header; `ERR_IMAGE_DECODE` for another format, and for what is damaged or cut
 * off
 */
export async function decodeImage(
  source: ImageSource,
  { maxPixels = MAX_PIXELS }: OpenImageOptions = {},
): Promise<ImageParts> {
  const most = Math.min(maxPixels, MAX_PIXELS);
  return readPicture(source, async (sharp, input, name) => {
    const metadata = textsOf(await imageHeader(sharp, input, name, most));
    const { data, info } = await sharp(input, { limitInputPixels: most, failOn: 'error' })
      .rotate()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
    return { width: info.width, height: info.height, channels: info.channels as 3 | 4, data: bytes, metadata };
  });
}

/** Reads a picture with sharp; what sharp refuses is an `ERR_IMAGE_DECODE`. `read` is also given what the picture is called in messages. */
export async function readPicture<T>(
  source: ImageSource,
  read: (sharp: Sharp, input: string | Uint8Array, name: string) => Promise<T>,
): Promise<T> {
  const input = source instanceof Uint8Array ? source : await fileOf(source);
  const name = typeof input === 'string' ? input : `${input.length} bytes`;
  try {
    return await read(await loadSharp(), input, name);
  } catch (cause) {
    if (cause instanceof ThimbleError) throw cause;
    const reason = (cause as { message?: unknown } | null)?.message ?? cause;
    throw new ThimbleError('ERR_IMAGE_DECODE', { source: name, reason: String(reason) }, { cause });
  }
}

/** What a picture's file begins with. @throws `ERR_IMAGE_SIZE`, `ERR_IMAGE_DECODE` */
export async function imageHeader(
  sharp: Sharp,
  input: string | Uint8Array,
  name: string,
  maxPixels: number = MAX_PIXELS,
): Promise<Metadata> {
  const header = await sharp(input, { limitInputPixels: false }).metadata();
  const { width, height, format } = header;
  if (!FORMATS.includes(format))
    throw new ThimbleError('ERR_IMAGE_DECODE', { source: name, reason: `it is ${format}` });
  if (width * height > maxPixels) throw new ThimbleError('ERR_IMAGE_SIZE', { source: name, width, height, maxPixels });
  return header;
}

/** A path that is a file's, not a device's or a pipe's, from which reading might never end. */
async function fileOf(source: string | URL): Promise<string> {
  const path = typeof source === 'string' ? source : filePath(source);
  checkPath('source', path, SOURCE);
  const found = await stat(path).catch((error: unknown) => {
    throw fileSystemError(error, path, 'read');
  });
  if (!found.isFile()) throw new ThimbleError('ERR_FILE_ACCESS', { path, operation: 'read', reason: 'not a file' });
  // As the files of /proc are, of which some are waited for until there is something in them.
  if (found.size === 0) throw new ThimbleError('ERR_IMAGE_DECODE', { source: path, reason: 'it is empty' });
  return path;
}

function filePath(url: URL): string {
  if (typeof url?.href !== 'string') refuseOption('source', url, SOURCE);
  if (url.protocol === 'file:') return fileURLToPath(url);
  throw new ThimbleError('ERR_IMAGE_DECODE', { source: url.href, reason: 'thimble reads files, not addresses' });
}
