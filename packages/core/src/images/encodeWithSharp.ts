import { ThimbleError } from '../errors.js';
import { insertJpegExif, insertWebpExif } from './exif/insertExif.js';
import { parametersExif } from './exif/parametersExif.js';
import type { PlainImage } from './ImageParts.js';
import { loadSharp } from './loadSharp.js';

/**
 * Encodes an image with sharp.
 *
 * The metadata's `parameters`, or all of it as JSON if there are none, becomes EXIF's UserComment and XMP's dc:description, as it is, and EXIF's ImageDescription, spelt in
 * ASCII. libvips would spell the comment in ASCII, too, so that EXIF is put in afterwards. What is longer than a segment of a JPEG is left out there.
 *
 * @throws `ERR_IMAGE_ENCODE` if sharp cannot be loaded or refuses the image
 */
export async function encodeWithSharp(
  image: PlainImage,
  format: 'webp' | 'jpeg',
  options: { readonly quality: number; readonly lossless?: boolean | undefined },
): Promise<Buffer> {
  try {
    const sharp = await loadSharp();
    const { width, height, channels, data } = image;
    const pipeline = sharp(data, { raw: { width, height, channels } });
    if (format === 'jpeg') pipeline.flatten();
    const description = descriptionOf(image.metadata);
    if (description === undefined) return await pipeline.toFormat(format, options).toBuffer();
    const file = await pipeline.withXmp(xmpOf(description)).toFormat(format, options).toBuffer();
    const exif = parametersExif(description);
    return format === 'jpeg' ? insertJpegExif(file, exif) : insertWebpExif(file, exif);
  } catch (cause) {
    const reason = (cause as { message?: unknown } | null)?.message ?? cause;
    throw new ThimbleError('ERR_IMAGE_ENCODE', { format, reason: String(reason) }, { cause });
  }
}

function descriptionOf(metadata: Readonly<Record<string, string>>): string | undefined {
  if (Object.keys(metadata).length === 0) return undefined;
  return metadata['parameters'] ?? JSON.stringify(metadata);
}

function xmpOf(description: string): string {
  const escaped = description.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return (
    `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">` +
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description rdf:about="">' +
    `<dc:description><rdf:Alt><rdf:li xml:lang="x-default">${escaped}</rdf:li></rdf:Alt></dc:description>` +
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
  );
}
