import { checkInteger, checkNumber } from '../../fields/checkNumber.js';
import { refuseOption } from '../../fields/refuseOption.js';

/** A piece of an axis: its first index, and its length. */
export type Chunk = readonly [start: number, count: number];

/** Far above what passes make of an axis, and far below what fills the memory. */
const MOST_CHUNKS = 2 ** 20;

/**
 * Cuts `length` (at least 1) into as few pieces of at most `most` (at least 1, Infinity for one piece) as there can be, all of one size but the last.
 *
 * @throws ERR_ARGUMENT_INVALID for a length that is none, and where there would be more than 2^20 pieces
 */
export function evenChunks(length: number, most: number): readonly Chunk[] {
  checkInteger('length', length, 0);
  checkNumber('most', most, 0);
  if (length / Math.max(1, most) > MOST_CHUNKS) refuseOption('most', most, `enough for ${MOST_CHUNKS} pieces`);
  const count = Math.max(1, Math.ceil(length / Math.max(1, Math.floor(most))));
  const size = Math.ceil(length / count);
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => [i * size, Math.min(size, length - i * size)]);
}
