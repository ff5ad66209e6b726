import { ThimbleError } from '../errors.js';
import { pngChunk } from './pngChunk.js';

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
export function pngTextChunk(keyword: string, text: string): Buffer {
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
