import { finished } from 'node:stream/promises';
import { crc32, createDeflate, type Deflate } from 'node:zlib';
import { ThimbleError } from '../errors.js';
import { filteredRows } from './filteredRows.js';
import type { PlainImage } from './ImageParts.js';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1A\n', 'latin1');
/** By the number of channels: grey, RGB, RGBA. */
const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 } as const;
const BIT_DEPTH = 8;

/**
 * A PNG file with the image and its metadata as text chunks.
 *
 * Written out here, because it takes little, and saves the 25 MB of a library: rows go through zlib as they are filtered, and what is compressed is copied once.
 *
 * Source: PNG specification (third edition).
 */
export async function encodePng(image: PlainImage, compressionLevel: number): Promise<Buffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(image.width, 0);
  header.writeUInt32BE(image.height, 4);
  header[8] = BIT_DEPTH;
  header[9] = COLOUR_TYPES[image.channels];
  const texts = Object.entries(image.metadata).flatMap(([keyword, text]) => pngTextChunk(keyword, text));
  const parts: Uint8Array[] = [SIGNATURE, ...pngChunk('IHDR', header), ...texts];
  const deflate = createDeflate({ level: compressionLevel });
  deflate.on('data', (compressed: Buffer) => parts.push(...pngChunk('IDAT', compressed)));
  await Promise.all([finished(deflate), feed(deflate, filteredRows(image))]);
  return Buffer.concat([...parts, ...pngChunk('IEND', new Uint8Array(0))]);
}

async function feed(deflate: Deflate, rows: Iterable<Uint8Array>): Promise<void> {
  for (const some of rows) await write(deflate, some);
  deflate.end();
}

/** Resolves when nothing reads the rows any more. */
function write(deflate: Deflate, rows: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    deflate.write(rows, (error) => (error ? reject(error) : resolve()));
  });
}

const KEYWORD = /^(?! )[\u0020-\u007E\u00A1-\u00FF]{1,79}(?<! )$/u;
const ASCII = /^[\t\n\r\u0020-\u007E]*$/u;

/**
 * A text in a PNG file: a tEXt chunk, which every reader knows, for ASCII; else an iTXt chunk, in UTF-8,
 * because readers do not agree on the encoding of tEXt.
 *
 * Source: PNG specification (third edition), §11.3.3.
 *
 * @throws `ERR_ARGUMENT_INVALID` unless `keyword` is 1 to 79 printable Latin-1 characters, and `text` has no null character
 */
function pngTextChunk(keyword: string, text: string): readonly Uint8Array[] {
  if (!KEYWORD.test(keyword)) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'metadata',
      value: keyword,
      expected: 'keys of 1 to 79 Latin-1 characters, with no space around them',
    });
  }
  if (typeof text !== 'string' || text.includes('\0')) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: `metadata.${keyword}`,
      value: text,
      expected: 'a text without null characters',
    });
  }
  if (ASCII.test(text)) return pngChunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1'));
  // Not compressed; no language, no translated keyword.
  const head = Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1');
  return pngChunk('iTXt', Buffer.concat([head, Buffer.from(text, 'utf8')]));
}

/** A chunk of a PNG file, in parts: length and type, data, checksum. Source: PNG specification (third edition), §5.3. */
function pngChunk(type: string, data: Uint8Array): readonly Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write(type, 4, 'latin1');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(data, crc32(head.subarray(4))));
  return [head, data, checksum];
}
