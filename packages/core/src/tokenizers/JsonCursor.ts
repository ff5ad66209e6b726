import { ThimbleError } from '../errors.js';
import { copyBytes } from './copyBytes.js';

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const OPENING = new Set([0x7b, 0x5b]);
const CLOSING = new Set([0x7d, 0x5d]);

/**
 * Walks through a JSON file of megabytes without making an object of it: `JSON.parse` takes ten times a vocabulary's size.
 *
 * Every method throws `ERR_TOKENIZER_FILE`, with the position, where the text is not what was asked for.
 */
export class JsonCursor {
  readonly #file: string;
  readonly #bytes: Buffer;
  #at = 0;
  #isFirst = false;

  /** @param file the path, for messages */
  constructor(file: string, bytes: Buffer) {
    this.#file = file;
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Goes into an object or a list. */
  open(bracket: '{' | '['): void {
    this.#take(bracket);
    this.#isFirst = true;
  }

  /** Goes to the next element, or out of the object or list if there is none. */
  more(bracket: '}' | ']'): boolean {
    if (this.#peek() === bracket.charCodeAt(0)) {
      this.#at++;
      this.#isFirst = false;
      return false;
    }
    if (!this.#isFirst) this.#take(',');
    this.#isFirst = false;
    return true;
  }

  /** Whether the next value starts with `character`. */
  startsWith(character: string): boolean {
    return this.#peek() === character.charCodeAt(0);
  }

  /** The key of a field. */
  key(): string {
    const key = this.value();
    if (typeof key !== 'string') this.#fail('a key is expected');
    this.#take(':');
    return key;
  }

  /** Writes the key of a field into `target` as UTF-8; returns where it ends there. */
  keyInto(target: Uint8Array, at: number): number {
    const end = this.stringInto(target, at);
    this.#take(':');
    return end;
  }

  /** Writes a string into `target` as UTF-8; returns where it ends there. */
  stringInto(target: Uint8Array, at: number): number {
    if (this.#peek() !== QUOTE) this.#fail('a string is expected');
    const start = this.#at + 1;
    const isEscaped = this.#skipString();
    if (!isEscaped) return copyBytes(this.#bytes, start, this.#at - 1, target, at);
    const text = this.#parse(start - 1) as string;
    return at + Buffer.from(target.buffer, target.byteOffset, target.byteLength).write(text, at);
  }

  /** An integer in [0, `limit`). */
  integer(limit: number): number {
    let byte = this.#peek();
    const start = this.#at;
    let value = 0;
    for (; byte >= 0x30 && byte <= 0x39; byte = this.#bytes[++this.#at] ?? -1) value = value * 10 + (byte - 0x30);
    if (this.#at === start || value >= limit) this.#fail(`an integer below ${limit} is expected`);
    return value;
  }

  /** Any value, as an object. */
  value(): unknown {
    this.#peek();
    const start = this.#at;
    this.skip();
    return this.#parse(start);
  }

  /** Passes over a value. */
  skip(): void {
    let depth = 0;
    do {
      const byte = this.#peek();
      if (OPENING.has(byte)) depth++;
      else if (CLOSING.has(byte)) depth--;
      if (byte === QUOTE) this.#skipString();
      else if (OPENING.has(byte) || CLOSING.has(byte) || byte === COMMA || byte === COLON) this.#at++;
      else this.#skipWord();
    } while (depth > 0);
  }

  #skipWord(): void {
    const start = this.#at;
    for (let byte = this.#bytes[this.#at]; byte !== undefined && !isDelimiter(byte); byte = this.#bytes[this.#at])
      this.#at++;
    if (this.#at === start) this.#fail('a value is expected');
  }

  /** Whether the string holds escapes. */
  #skipString(): boolean {
    const bytes = this.#bytes;
    let isEscaped = false;
    let at = this.#at + 1;
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[++at]) {
      if (byte === undefined) {
        this.#at = at;
        this.#fail('a string does not end');
      }
      if (byte !== BACKSLASH) continue;
      isEscaped = true;
      at++;
    }
    this.#at = at + 1;
    return isEscaped;
  }

  #parse(start: number): unknown {
    try {
      return JSON.parse(this.#bytes.toString('utf8', start, this.#at));
    } catch (cause) {
      return this.#fail(`${(cause as Error).message}, in a value that starts at byte ${start}`);
    }
  }

  #peek(): number {
    while (isSpace(this.#bytes[this.#at])) this.#at++;
    return this.#bytes[this.#at] ?? this.#fail('the file ends too early');
  }

  #take(character: string): void {
    if (this.#peek() !== character.charCodeAt(0)) this.#fail(`"${character}" is expected`);
    this.#at++;
  }

  #fail(problem: string): never {
    throw new ThimbleError('ERR_TOKENIZER_FILE', { file: this.#file, problem: `at byte ${this.#at}: ${problem}` });
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDelimiter(byte: number): boolean {
  return isSpace(byte) || OPENING.has(byte) || CLOSING.has(byte) || byte === COMMA || byte === COLON || byte === QUOTE;
}
