import { checkOptionNames } from '../fields/checkOptionNames.js';
import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { AddedToken } from './AddedToken.js';
import { AddedTokenSplitter } from './AddedTokenSplitter.js';
import { byteCharacters, bytePairEncode } from './bytePairEncode.js';
import type { MergeTable } from './MergeTable.js';
import { type CLIPTokenizerParts, readClipTokenizer } from './readClipTokenizer.js';
import type { DecodeOptions, EncodedPrompts, EncodeOptions, Tokenizer } from './Tokenizer.js';
import type { Vocabulary } from './Vocabulary.js';

const END_OF_WORD = '</w>';
const WHITE_SPACE = /\p{White_Space}+/gu;
const OUTER_SPACE = /^\p{White_Space}+|\p{White_Space}+$/gu;
const PIECES = /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}+|[^\p{White_Space}\p{L}\p{N}]+/gu;
const SHORTEST = 2;

/**
 * CLIP's tokenizer: NFC, white space to single spaces, lower case; byte-level byte-pair encoding with `</w>` at the end of
 * words; start and end tokens around. Ids are those of transformers' `CLIPTokenizer` (the fast one).
 *
 * Written out here because a general library takes 65 MB for CLIP's vocabulary, and this takes 8, of which it keeps 3: see {@link Vocabulary}.
 */
export class CLIPTokenizer implements Tokenizer {
  readonly modelMaxLength: number;
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  readonly #vocabulary: Vocabulary;
  readonly #merges: MergeTable;
  readonly #idOfAdded: ReadonlyMap<string, number>;
  readonly #addedOfId: ReadonlyMap<number, AddedToken>;
  readonly #rawSplitter: AddedTokenSplitter;
  readonly #normalizedSplitter: AddedTokenSplitter;
  /** The id of each byte within a word, and at its end. */
  readonly #byteIds: readonly number[];
  readonly #endByteIds: readonly number[];

  constructor(parts: CLIPTokenizerParts) {
    this.modelMaxLength = parts.modelMaxLength;
    this.bosTokenId = parts.bosTokenId;
    this.eosTokenId = parts.eosTokenId;
    this.padTokenId = parts.padTokenId;
    this.#vocabulary = parts.vocabulary;
    this.#merges = parts.merges;

    const added = [...parts.addedTokens.keys()];
    this.#idOfAdded = new Map(Array.from(parts.addedTokens, ([token, id]) => [token.content, id]));
    this.#addedOfId = new Map(Array.from(parts.addedTokens, ([token, id]) => [id, token]));
    this.#rawSplitter = new AddedTokenSplitter(added.filter(({ normalized }) => !normalized));
    this.#normalizedSplitter = new AddedTokenSplitter(
      added.filter(({ normalized }) => normalized),
      normalize,
    );

    const idOf = (character: string): number => this.#vocabulary.idOf(Buffer.from(character)) ?? parts.unkTokenId;
    this.#byteIds = byteCharacters.map(idOf);
    this.#endByteIds = byteCharacters.map((character) => idOf(character + END_OF_WORD));
  }

  /**
   * Reads a checkpoint's `tokenizer` folder: `vocab.json` and `merges.txt`, or `tokenizer.json`.
   *
   * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`; `ERR_TOKENIZER_FILE` if a file is damaged; `ERR_TOKENIZER_UNSUPPORTED` if it is of another class
   */
  static async fromPretrained(folder: string): Promise<CLIPTokenizer> {
    return new CLIPTokenizer(await readClipTokenizer(folder));
  }

  encode(prompts: string | readonly string[], options: EncodeOptions = {}): EncodedPrompts {
    checkOptionNames(options, ['maxLength'], 'encode');
    const list = typeof prompts === 'string' ? [prompts] : prompts;
    if (!Array.isArray(list) || !list.every((prompt) => typeof prompt === 'string')) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'prompts',
        value: prompts,
        expected: 'a string or a list of strings',
      });
    }
    const length = this.#length(options);
    const ids = new BigInt64Array(list.length * length).fill(BigInt(this.padTokenId));
    const mask = new BigInt64Array(ids.length);
    for (const [n, prompt] of list.entries()) {
      const row = [this.bosTokenId, ...this.#tokenize(prompt).slice(0, length - 2), this.eosTokenId];
      ids.set(row.map(BigInt), n * length);
      mask.fill(1n, n * length, n * length + row.length);
    }
    const dims = [list.length, length];
    return { input_ids: new Tensor('int64', ids, dims), attention_mask: new Tensor('int64', mask, dims) };
  }

  truncated(prompt: string, options: EncodeOptions = {}): string | undefined {
    checkOptionNames(options, ['maxLength'], 'truncated');
    if (typeof prompt !== 'string')
      throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'prompt', value: prompt, expected: 'a string' });
    const cut = this.#tokenize(prompt).slice(this.#length(options) - 2);
    return cut.length > 0 ? this.decode(cut) : undefined;
  }

  decode(ids: Iterable<number | bigint>, options: DecodeOptions = {}): string {
    checkOptionNames(options, ['skipSpecialTokens'], 'decode');
    if (typeof (ids as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== 'function')
      throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'ids', value: ids, expected: 'a list of ids' });
    const bytes: Buffer[] = [];
    for (const id of ids) {
      const added = this.#addedOfId.get(Number(id));
      if (added?.special && options.skipSpecialTokens) continue;
      const token = added?.content ?? this.#vocabulary.tokenOf(Number(id));
      if (token === undefined) {
        throw new ThimbleError('ERR_ARGUMENT_INVALID', {
          argument: 'ids',
          value: String(id),
          expected: `ids of tokens, below ${this.#vocabulary.size}`,
        });
      }
      bytes.push(bytesOf(token));
    }
    return Buffer.concat(bytes).toString('utf8').replaceAll(END_OF_WORD, ' ').replaceAll(OUTER_SPACE, '');
  }

  #length({ maxLength = this.modelMaxLength }: EncodeOptions): number {
    if (Number.isSafeInteger(maxLength) && maxLength >= SHORTEST) return maxLength;
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'maxLength',
      value: maxLength,
      expected: `an integer from ${SHORTEST}: start and end`,
    });
  }

  /** The ids of a prompt of any length, without start and end. */
  #tokenize(prompt: string): number[] {
    return this.#rawSplitter.split(prompt).flatMap((raw) => {
      if (raw.isToken) return this.#idOfAdded.get(raw.text)!;
      return this.#normalizedSplitter.split(normalize(raw.text)).flatMap((part) => {
        return part.isToken ? this.#idOfAdded.get(part.text)! : this.#tokenizeText(part.text);
      });
    });
  }

  #tokenizeText(text: string): number[] {
    const pieces = text.match(PIECES) ?? [];
    const words = pieces.flatMap((piece) => piece.match(WORDS) ?? []);
    return words.flatMap((word) => {
      const bytes = [...Buffer.from(word)];
      const symbols = bytes.map((byte, i) => (i === bytes.length - 1 ? this.#endByteIds : this.#byteIds)[byte]!);
      return bytePairEncode(symbols, this.#merges);
    });
  }
}

/** Lower case character by character, so that a sigma does not depend on its place in the word. */
function normalize(text: string): string {
  const spaced = text.normalize('NFC').replaceAll(WHITE_SPACE, ' ');
  return Array.from(spaced, (character) => character.toLowerCase()).join('');
}

const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  byteCharacters.map((character, byte) => [character, byte]),
);

/** The bytes that a token stands for; its own UTF-8 if it is not written in byte characters. */
function bytesOf(token: string): Buffer {
  const bytes = Array.from(token, (character) => byteOfCharacter.get(character));
  return bytes.every((byte) => byte !== undefined) ? Buffer.from(bytes) : Buffer.from(token);
}
