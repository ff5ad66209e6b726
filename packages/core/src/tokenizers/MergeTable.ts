import type { JsonCursor } from './JsonCursor.js';
import { LONGEST_PAIR, MergeList } from './MergeList.js';
import type { Vocabulary } from './Vocabulary.js';

const NONE = -1;
const [NEWLINE, CARRIAGE_RETURN, SPACE] = [0x0a, 0x0d, 0x20];

/** Which pairs of tokens byte-pair encoding merges, in which order and into what: flat arrays, about 1 MB for CLIP. */
export class MergeTable {
  /** Left, right and merged token of each merge, by rank. */
  readonly #merges: Int32Array;
  /** A hash table with open addressing: the rank of a pair, or none. */
  readonly #slots: Int32Array;

  private constructor(merges: Int32Array) {
    const count = merges.length / 3;
    this.#merges = merges;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2))).fill(NONE);
    for (let rank = 0; rank < count; rank++) {
      this.#slots[this.#slotOf(merges[3 * rank]!, merges[3 * rank + 1]!)] = rank;
    }
  }

  /**
   * Reads `merges.txt`: a pair in each line, first come first merged.
   *
   * @param file the path, for messages
   * @throws `ERR_TOKENIZER_FILE`
   */
  static readText(file: string, text: Buffer, vocabulary: Vocabulary): MergeTable {
    const merges = new MergeList(file, vocabulary, text.length);
    const isVersion = text.toString('latin1', 0, 8) === '#version';
    let lineEnd = isVersion ? endOfLine(text, 0) : -1;
    while (lineEnd < text.length) {
      const start = lineEnd + 1;
      lineEnd = endOfLine(text, start);
      const end = text[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
      if (end > start) merges.add(text, start, end);
    }
    return new MergeTable(merges.toArray());
  }

  /**
   * Reads the merges of `tokenizer.json`: a list of `"a b"` or of `["a", "b"]`.
   *
   * @param file the path, for messages
   * @throws `ERR_TOKENIZER_FILE`
   */
  static readJson(file: string, cursor: JsonCursor, vocabulary: Vocabulary): MergeTable {
    const merges = new MergeList(file, vocabulary, cursor.length);
    const pair = Buffer.alloc(LONGEST_PAIR);
    cursor.open('[');
    while (cursor.more(']')) merges.add(pair, 0, readPair(cursor, pair));
    return new MergeTable(merges.toArray());
  }

  /** How early the pair is merged: 0 is first. Undefined if it never is. */
  rankOf(left: number, right: number): number | undefined {
    const rank = this.#slots[this.#slotOf(left, right)]!;
    return rank === NONE ? undefined : rank;
  }

  /** The token that the merge of this rank makes. */
  mergedOf(rank: number): number {
    return this.#merges[3 * rank + 2]!;
  }

  /** The slot where a pair is, or would be. */
  #slotOf(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    for (let slot = (mixed ^ (mixed >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const rank = this.#slots[slot]!;
      if (rank === NONE || (this.#merges[3 * rank] === left && this.#merges[3 * rank + 1] === right)) return slot;
    }
  }
}

/** Writes a pair into `target`, a space between; returns where it ends. */
function readPair(cursor: JsonCursor, target: Uint8Array): number {
  if (!cursor.startsWith('[')) return cursor.stringInto(target, 0);
  let end = 0;
  cursor.open('[');
  while (cursor.more(']')) {
    if (end > 0) target[end++] = SPACE;
    end = cursor.stringInto(target, end);
  }
  return end;
}

function endOfLine(text: Buffer, start: number): number {
  const end = text.indexOf(NEWLINE, start);
  return end === -1 ? text.length : end;
}
