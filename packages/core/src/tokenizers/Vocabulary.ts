import type { JsonCursor } from './JsonCursor.js';

const NONE = -1;
const MOST_TOKENS = 2 ** 24;

/**
 * Tokens and their ids, in a few flat arrays: CLIP's 49,408 tokens take 2 MB, where an object of strings takes 12.
 * A token is looked up by its UTF-8 bytes.
 */
export class Vocabulary {
  /** All tokens, one after the other; the n-th one lies between `ends[n - 1]` and `ends[n]`. */
  readonly #bytes: Uint8Array;
  readonly #ends: Uint32Array;
  readonly #ids: Int32Array;
  /** A hash table with open addressing: n of the token, or none. */
  readonly #slots: Int32Array;
  readonly #entryOfId: Int32Array;

  private constructor(bytes: Uint8Array, ends: Uint32Array, ids: Int32Array) {
    this.#bytes = bytes;
    this.#ends = ends;
    this.#ids = ids;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * ids.length + 2))).fill(NONE);
    this.#entryOfId = new Int32Array(ids.reduce((largest, id) => Math.max(largest, id), NONE) + 1).fill(NONE);
    for (let entry = 0; entry < ids.length; entry++) {
      this.#slots[this.#slotOf(bytes, this.#start(entry), ends[entry]!)] = entry;
      this.#entryOfId[ids[entry]!] = entry;
    }
  }

  /**
   * Reads an object of tokens and ids, `{ "a": 0, … }`.
   *
   * @throws `ERR_TOKENIZER_FILE`
   */
  static read(cursor: JsonCursor): Vocabulary {
    // Bounds from the file's length; pages that are never written to take no memory.
    const bytes = new Uint8Array(cursor.length);
    const ends = new Uint32Array(Math.ceil(cursor.length / 4));
    const ids = new Int32Array(ends.length);
    let count = 0;
    let end = 0;
    cursor.open('{');
    while (cursor.more('}')) {
      end = cursor.keyInto(bytes, end);
      ends[count] = end;
      ids[count] = cursor.integer(MOST_TOKENS);
      count++;
    }
    return new Vocabulary(bytes.slice(0, end), ends.slice(0, count), ids.slice(0, count));
  }

  /** A vocabulary of tokens whose ids are their places; the n-th one lies in `bytes` between `ends[n - 1]` and `ends[n]`. Not copied. */
  static ofPieces(bytes: Uint8Array, ends: Uint32Array): Vocabulary {
    return new Vocabulary(
      bytes,
      ends,
      Int32Array.from(ends, (_, id) => id),
    );
  }

  /** How many tokens there are. */
  get size(): number {
    return this.#ids.length;
  }

  /** The id of the token with the UTF-8 bytes between `start` and `end`. */
  idOf(bytes: Uint8Array, start = 0, end: number = bytes.length): number | undefined {
    const entry = this.#slots[this.#slotOf(bytes, start, end)]!;
    return entry === NONE ? undefined : this.#ids[entry];
  }

  /** The token with the id `id`. */
  tokenOf(id: number): string | undefined {
    const entry = this.#entryOfId[id] ?? NONE;
    if (entry === NONE) return undefined;
    return Buffer.from(this.#bytes.subarray(this.#start(entry), this.#ends[entry])).toString('utf8');
  }

  #start(entry: number): number {
    return entry === 0 ? 0 : this.#ends[entry - 1]!;
  }

  /** The slot where a token is, or would be. */
  #slotOf(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!;
      if (entry === NONE || this.#holds(entry, bytes, start, end)) return slot;
    }
  }

  #holds(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const first = this.#start(entry);
    if (this.#ends[entry]! - first !== end - start) return false;
    for (let i = start; i < end; i++) if (this.#bytes[first + i - start] !== bytes[i]) return false;
    return true;
  }
}

/** FNV-1a. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
  return value ^ (value >>> 15);
}
