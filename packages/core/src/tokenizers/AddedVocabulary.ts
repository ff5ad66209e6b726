import { refuseOption } from '../fields/refuseOption.js';
import { type AddedToken, LONGEST_ADDED_TOKEN } from './AddedToken.js';
import { AddedTokenSplitter } from './AddedTokenSplitter.js';
import type { TokenAddition } from './Tokenizer.js';

/** A word that somebody added: what it is called in parts, and the id of the first of them; the others follow. */
interface AddedWord {
  readonly parts: readonly [string, ...string[]];
  readonly first: number;
}

/** The added tokens of a tokenizer, by content and by id: some are recognised in a prompt as it is, the others once it is normalised. */
export class AddedVocabulary {
  readonly #idOf: ReadonlyMap<string, number>;
  readonly #tokenOf: ReadonlyMap<number, AddedToken>;
  readonly #raw: AddedTokenSplitter;
  readonly #normalized: AddedTokenSplitter;
  readonly #normalize: (text: string) => string;
  readonly #words = new Set<AddedWord>();
  /** The ids of what is written as here: of a word all, of a part its own. */
  #written: ReadonlyMap<string, readonly number[]> = new Map();
  #exact = new AddedTokenSplitter([]);
  #anyCase = new AddedTokenSplitter([]);

  /** @param tokens with their ids */
  constructor(tokens: ReadonlyMap<AddedToken, number>, normalize: (text: string) => string) {
    const added = [...tokens.keys()];
    this.#idOf = new Map(Array.from(tokens, ([token, id]) => [token.content, id]));
    this.#tokenOf = new Map(Array.from(tokens, ([token, id]) => [id, token]));
    this.#raw = new AddedTokenSplitter(added.filter(({ normalized }) => !normalized));
    this.#normalized = new AddedTokenSplitter(
      added.filter(({ normalized }) => normalized),
      normalize,
    );
    this.#normalize = normalize;
  }

  /** The added token of an id; `undefined` for all other ids. */
  tokenOf(id: number): Pick<AddedToken, 'content' | 'special'> | undefined {
    const content = Array.from(this.#words, ({ parts, first }) => parts[id - first]).find((part) => part !== undefined);
    return content === undefined ? this.#tokenOf.get(id) : { content, special: false };
  }

  /** Whether an id is that of a word that somebody added. */
  hasWord(id: number): boolean {
    return (
      typeof id === 'number' && Array.from(this.#words).some(({ parts, first }) => parts[id - first] !== undefined)
    );
  }

  /** See {@link Tokenizer.addToken}. `size`: of the vocabulary; `knows`: whether it has a token. @throws ERR_ARGUMENT_INVALID for a token that there is already, and for one that is too long */
  add(token: string, count: number, size: number, knows: (token: string) => boolean): TokenAddition {
    if (token.length > LONGEST_ADDED_TOKEN)
      refuseOption('token', token, `a token of at most ${LONGEST_ADDED_TOKEN} characters`);
    const parts = [token, ...Array.from({ length: count - 1 }, (_, i) => `${token}_${i + 1}`)] as const;
    for (const part of parts)
      for (const text of [part, this.#normalize(part)])
        if (this.#idOf.has(text) || this.#isWritten(text) || knows(text))
          refuseOption('token', part, 'a token that the tokenizer does not have already');
    const taken = Array.from(this.#words, (word) => word.first + word.parts.length - 1);
    const first = Math.max(size - 1, ...this.#tokenOf.keys(), ...taken) + 1;
    const word: AddedWord = { parts, first };
    this.#words.add(word);
    this.#splitAnew();
    return {
      ids: parts.map((_, i) => first + i),
      [Symbol.dispose]: () => {
        if (this.#words.delete(word)) this.#splitAnew();
      },
    };
  }

  /** The ids of a prompt: its added tokens', and those that `encode` makes of the normalised text between them. */
  encode(prompt: string, encode: (text: string) => readonly number[]): number[] {
    return this.#raw.split(prompt).flatMap((raw) => {
      if (raw.isToken) return this.#idOf.get(raw.text)!;
      return this.#exact
        .split(raw.text)
        .flatMap((part) => (part.isToken ? this.#written.get(part.text)! : this.#encodeText(part.text, encode)));
    });
  }

  #encodeText(text: string, encode: (text: string) => readonly number[]): number[] {
    return this.#normalized.split(this.#normalize(text)).flatMap((part) => {
      if (part.isToken) return this.#idOf.get(part.text)!;
      return this.#anyCase
        .split(part.text)
        .flatMap(({ text: word, isToken }) => (isToken ? this.#written.get(word)![0]! : encode(word)));
    });
  }

  #isWritten(text: string): boolean {
    return Array.from(this.#written.keys()).some((word) => word === text || this.#normalize(word) === text);
  }

  #splitAnew(): void {
    this.#written = new Map(
      [...this.#words].flatMap(({ parts, first }) =>
        parts.map((part, i) => [part, i === 0 ? parts.map((_, at) => first + at) : [first + i]] as const),
      ),
    );
    const tokens = Array.from(this.#written.keys(), (content): AddedToken => ({ content, ...PLAIN }));
    this.#exact = new AddedTokenSplitter(tokens);
    this.#anyCase = new AddedTokenSplitter(tokens, this.#normalize);
  }
}

const PLAIN = { special: false, normalized: true, lstrip: false, rstrip: false, single_word: false } as const;
