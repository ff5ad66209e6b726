import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { AddedToken } from './AddedToken.js';
import { AddedTokenSplitter } from './AddedTokenSplitter.js';
import { checkIds, checkLength, checkPrompt, listPrompts, refuseId } from './checkTexts.js';
import { encodedRows } from './encodedRows.js';
import type { PrecompiledCharsmap } from './PrecompiledCharsmap.js';
import { readT5Tokenizer, type T5TokenizerParts } from './readT5Tokenizer.js';
import type { DecodeOptions, EncodedPrompts, EncodeOptions, Tokenizer } from './Tokenizer.js';
import type { UnigramModel } from './UnigramModel.js';

/** What stands for a space at the start of a word. */
const SPACE = '\u2581';
const WHITE_SPACE = /\p{White_Space}+/u;
const PARTS = /\u2581[^\u2581]*|[^\u2581]+/gu;

/**
 * T5's tokenizer: sentencepiece's normalisation, words at white space, each cut by a unigram model; an end token behind. Ids are those of
 * transformers' `T5Tokenizer`.
 */
export class T5Tokenizer implements Tokenizer {
  readonly modelMaxLength: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  readonly #model: UnigramModel;
  readonly #charsmap: PrecompiledCharsmap | undefined;
  readonly #idOfAdded: ReadonlyMap<string, number>;
  readonly #addedOfId: ReadonlyMap<number, AddedToken>;
  readonly #splitter: AddedTokenSplitter;

  constructor({ model, charsmap, addedTokens, eosTokenId, padTokenId, modelMaxLength }: T5TokenizerParts) {
    this.modelMaxLength = modelMaxLength;
    this.eosTokenId = eosTokenId;
    this.padTokenId = padTokenId;
    this.#model = model;
    this.#charsmap = charsmap;
    this.#idOfAdded = new Map(Array.from(addedTokens, ([token, id]) => [token.content, id]));
    this.#addedOfId = new Map(Array.from(addedTokens, ([token, id]) => [id, token]));
    this.#splitter = new AddedTokenSplitter([...addedTokens.keys()]);
  }

  /**
   * Reads a checkpoint's `tokenizer` folder: `spiece.model` or `tokenizer.json`.
   *
   * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`; `ERR_TOKENIZER_FILE` if a file is damaged; `ERR_TOKENIZER_UNSUPPORTED` if it is of another class
   */
  static async fromPretrained(folder: string): Promise<T5Tokenizer> {
    return new T5Tokenizer(await readT5Tokenizer(folder));
  }

  encode(prompts: string | readonly string[], options: EncodeOptions = {}): EncodedPrompts {
    checkOptionNames(options, ['maxLength'], 'encode');
    const length = this.#length(options);
    const rows = listPrompts(prompts).map((prompt) => [
      ...this.#tokenize(prompt).slice(0, length - 1),
      this.eosTokenId,
    ]);
    return encodedRows(rows, { length, padTokenId: this.padTokenId });
  }

  truncated(prompt: string, options: EncodeOptions = {}): string | undefined {
    checkOptionNames(options, ['maxLength'], 'truncated');
    const cut = this.#tokenize(checkPrompt(prompt)).slice(this.#length(options) - 1);
    return cut.length > 0 ? this.decode(cut) : undefined;
  }

  decode(ids: Iterable<number | bigint>, options: DecodeOptions = {}): string {
    checkOptionNames(options, ['skipSpecialTokens'], 'decode');
    let text = '';
    for (const id of checkIds(ids)) {
      const added = this.#addedOfId.get(Number(id));
      if (added?.special && options.skipSpecialTokens) continue;
      const piece = added?.content ?? this.#model.vocabulary.tokenOf(Number(id));
      text += piece ?? refuseId(id, this.#model.vocabulary.size);
    }
    return text.replaceAll(SPACE, ' ').replace(/^ /u, '');
  }

  #length({ maxLength = this.modelMaxLength }: EncodeOptions): number {
    return checkLength(maxLength, 1, ': the end token');
  }

  /** The ids of a prompt of any length, without the end token. */
  #tokenize(prompt: string): number[] {
    return this.#splitter
      .split(prompt)
      .flatMap(({ text, isToken }) => (isToken ? this.#idOfAdded.get(text)! : this.#tokenizeText(text)));
  }

  #tokenizeText(text: string): number[] {
    const normal = this.#charsmap?.normalize(text) ?? text;
    const words = normal.split(WHITE_SPACE).filter((word) => word !== '');
    return words.flatMap((word) => {
      const marked = word.startsWith(SPACE) ? word : SPACE + word;
      return (marked.match(PARTS) ?? []).flatMap((part) => this.#model.encode(part));
    });
  }
}
