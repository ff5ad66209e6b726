import { refuseOption } from '../fields/refuseOption.js';

/** What {@link scanJson} lets through, and what it tells while it reads. */
export interface ScanOptions {
  /** Whether an object may have a key twice; no unless told. Names of the objects around it, then the key. */
  readonly mayRepeat?: ((path: readonly string[]) => boolean) | undefined;
  /** Told where each number stands in the text. */
  readonly onNumber?: ((start: number, end: number) => void) | undefined;
}

/** What is wrong with a JSON text, and where. */
export interface JsonProblem {
  /** Index into the text, in UTF-16 code units. */
  readonly offset: number;
  readonly problem: string;
}

const MAX_DEPTH = 256;
/** Anything that may stand in a string as it is: no control character, quote or backslash. */
const PLAIN_TEXT = /[ !#-[\]-\uffff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const LITERALS = ['true', 'false', 'null'] as const;

/**
 * Finds the first fault of a JSON text, which `JSON.parse` does not always locate, and keys that an object has twice, which it
 * accepts.
 *
 * @returns `undefined` where the text is well-formed
 */
export function scanJson(text: string, options: ScanOptions = {}): JsonProblem | undefined {
  if (typeof text !== 'string') refuseOption('text', text, 'a text');
  try {
    new Scanner(text, options).document();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return { offset: error.offset, problem: error.problem };
    throw error;
  }
}

class Fault extends Error {
  constructor(
    readonly offset: number,
    readonly problem: string,
  ) {
    super(problem);
  }
}

class Scanner {
  readonly #text: string;
  readonly #options: ScanOptions;
  readonly #path: string[] = [];
  #offset = 0;

  constructor(text: string, options: ScanOptions) {
    this.#text = text;
    this.#options = options;
  }

  document(): void {
    this.#value(0);
    this.#skipSpace();
    if (this.#offset < this.#text.length) this.#fail('text after the end of the value');
  }

  #value(depth: number): void {
    this.#skipSpace();
    if (depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} levels deep`);
    const next = this.#text[this.#offset];
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"') return void this.#string();
    const start = this.#offset;
    if (this.#match(NUMBER) !== undefined) return this.#options.onNumber?.(start, this.#offset);
    const literal = LITERALS.find((word) => this.#text.startsWith(word, this.#offset));
    if (literal === undefined) return this.#unexpected('a value');
    this.#offset += literal.length;
  }

  #object(depth: number): void {
    const keys = new Set<string>();
    this.#offset++;
    if (this.#take('}')) return;
    do {
      this.#skipSpace();
      const start = this.#offset;
      const key = JSON.parse(this.#string()) as string;
      this.#path.push(key);
      if (keys.has(key) && this.#options.mayRepeat?.(this.#path) !== true)
        throw new Fault(start, `the key ${JSON.stringify(key)} is there twice`);
      keys.add(key);
      if (!this.#take(':')) this.#unexpected('":"');
      this.#value(depth + 1);
      this.#path.pop();
    } while (this.#take(','));
    if (!this.#take('}')) this.#unexpected('"," or "}"');
  }

  #array(depth: number): void {
    this.#offset++;
    if (this.#take(']')) return;
    do this.#value(depth + 1);
    while (this.#take(','));
    if (!this.#take(']')) this.#unexpected('"," or "]"');
  }

  #string(): string {
    if (this.#text[this.#offset] !== '"') this.#unexpected('a string');
    const start = this.#offset++;
    do this.#match(PLAIN_TEXT);
    while (this.#match(ESCAPE) !== undefined);
    if (this.#text[this.#offset] !== '"')
      this.#fail('a string that does not end, or a bad escape or control character in it');
    return this.#text.slice(start, ++this.#offset);
  }

  #take(symbol: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#offset] !== symbol) return false;
    this.#offset++;
    return true;
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#offset += found.length;
    return found;
  }

  #unexpected(expected: string): never {
    const found = this.#text[this.#offset];
    return this.#fail(`expected ${expected}, found ${found === undefined ? 'the end' : JSON.stringify(found)}`);
  }

  #fail(problem: string): never {
    throw new Fault(this.#offset, problem);
  }
}
