import { imageHeader, type ImageSource, readPicture } from './decodeImage.js';
import { textsOf } from './exif/textsOf.js';

/** What a picture's file tells of it, without its pixels. */
export interface ImageInfo {
  readonly format: 'png' | 'jpeg' | 'webp' | 'avif';
  /** In pixels, turned upright. */
  readonly width: number;
  readonly height: number;
  /** The texts in it: those of a PNG by their keywords; EXIF's user comment, which JPEG and WebP have, as `parameters`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads what the file of a PNG, JPEG, WebP or AVIF says: how thimble and other tools made it is in `metadata.parameters`.
 *
 * @param source a path, a `file:` URL, or the bytes of a file
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`; `ERR_IMAGE_SIZE`; `ERR_IMAGE_DECODE` for another format, and for what is damaged
 */
export async function readImageInfo(source: ImageSource): Promise<ImageInfo> {
  return readPicture(source, async (sharp, input, name) => {
    const header = await imageHeader(sharp, input, name);
    const { width, height } = header.autoOrient;
    const format = header.format === 'heif' ? 'avif' : (header.format as ImageInfo['format']);
    return { format, width, height, metadata: textsOf(header) };
  });
}
