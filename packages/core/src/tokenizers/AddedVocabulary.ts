import type { AddedToken } from './AddedToken.js';
import { AddedTokenSplitter } from './AddedTokenSplitter.js';

/** The added tokens of a tokenizer, by content and by id: some are recognised in a prompt as it is, the others once it is normalised. */
export class AddedVocabulary {
  readonly #idOf: ReadonlyMap<string, number>;
  readonly #tokenOf: ReadonlyMap<number, AddedToken>;
  readonly #raw: AddedTokenSplitter;
  readonly #normalized: AddedTokenSplitter;
  readonly #normalize: (text: string) => string;

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
  tokenOf(id: number): AddedToken | undefined {
    return this.#tokenOf.get(id);
  }

  /** The ids of a prompt: its added tokens', and those that `encode` makes of the normalised text between them. */
  encode(prompt: string, encode: (text: string) => readonly number[]): number[] {
    return this.#raw.split(prompt).flatMap((raw) => {
      if (raw.isToken) return this.#idOf.get(raw.text)!;
      return this.#normalized
        .split(this.#normalize(raw.text))
        .flatMap((part) => (part.isToken ? this.#idOf.get(part.text)! : encode(part.text)));
    });
  }
}
