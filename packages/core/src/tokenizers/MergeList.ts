import { ThimbleError } from '../errors.js';
import { copyBytes } from './copyBytes.js';
import type { Vocabulary } from './Vocabulary.js';

const SPACE = 0x20;
const SHORTEST_LINE = 4;

/** How many bytes a pair of tokens may have, the space between included. */
export const LONGEST_PAIR = 4096;

/**
 * Collects merges while they are read, as ids. Makes no views and no strings: a hundred thousand of them would take more
 * memory than all the rest.
 */
export class MergeList {
  readonly #file: string;
  readonly #vocabulary: Vocabulary;
  readonly #merges: Int32Array;
  readonly #joined: Buffer = Buffer.alloc(LONGEST_PAIR);
  #end = 0;

  /**
   * @param file the path, for messages
   * @param length how many bytes there are to read; pages of the list that are never written to take no memory
   */
  constructor(file: string, vocabulary: Vocabulary, length: number) {
    this.#file = file;
    this.#vocabulary = vocabulary;
    this.#merges = new Int32Array(3 * Math.ceil((length + 1) / SHORTEST_LINE));
  }

  /**
   * Adds the pair `left right` that lies in `text` between `start` and `end`.
   *
   * @throws `ERR_TOKENIZER_FILE` unless left, right and the two joined are tokens
   */
  add(text: Buffer, start: number, end: number): void {
    let space = start;
    while (space < end && text[space] !== SPACE) space++;
    const isPair = space > start && space < end && end - start <= LONGEST_PAIR;
    const left = isPair ? this.#vocabulary.idOf(text, start, space) : undefined;
    const right = isPair ? this.#vocabulary.idOf(text, space + 1, end) : undefined;
    const merged = isPair ? this.#idOfJoined(text, start, space, end) : undefined;
    if (left === undefined || right === undefined || merged === undefined)
      return this.#refuse(text.toString('utf8', start, Math.min(end, start + 80)));
    this.#merges[this.#end++] = left;
    this.#merges[this.#end++] = right;
    this.#merges[this.#end++] = merged;
  }

  /** Left, right and merged token of each merge, in their order. */
  toArray(): Int32Array {
    return this.#merges.slice(0, this.#end);
  }

  #idOfJoined(text: Buffer, start: number, space: number, end: number): number | undefined {
    const middle = copyBytes(text, start, space, this.#joined, 0);
    return this.#vocabulary.idOf(this.#joined, 0, copyBytes(text, space + 1, end, this.#joined, middle));
  }

  #refuse(text: string): never {
    throw new ThimbleError('ERR_TOKENIZER_FILE', {
      file: this.#file,
      problem: `merge ${this.#end / 3}, "${text}", is not of tokens of the vocabulary`,
    });
  }
}
