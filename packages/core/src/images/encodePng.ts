import { Readable } from 'node:stream';
import { createDeflate } from 'node:zlib';
import { filteredRows } from './filteredRows.js';
import type { PlainImage } from './ImageParts.js';
import { pngChunk } from './pngChunk.js';
import { pngTextChunk } from './pngTextChunk.js';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1A\n', 'latin1');
/** By the number of channels: grey, RGB, RGBA. */
const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 } as const;
const BIT_DEPTH = 8;

/**
 * A PNG file with the image and its metadata as text chunks.
 *
 * Written out here, because it takes little, and saves the 25 MB of a library: rows go through zlib as they are filtered.
 *
 * Source: PNG specification (third edition).
 */
export async function encodePng(image: PlainImage, compressionLevel: number): Promise<Buffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(image.width, 0);
  header.writeUInt32BE(image.height, 4);
  header[8] = BIT_DEPTH;
  header[9] = COLOUR_TYPES[image.channels];
  const texts = Object.entries(image.metadata).map(([keyword, text]) => pngTextChunk(keyword, text));
  const pixels = Readable.from(filteredRows(image)).pipe(createDeflate({ level: compressionLevel }));
  const chunks = [SIGNATURE, pngChunk('IHDR', header), ...texts];
  for await (const compressed of pixels) chunks.push(pngChunk('IDAT', compressed as Buffer));
  return Buffer.concat([...chunks, pngChunk('IEND', new Uint8Array(0))]);
}
