import { checkInteger } from '../fields/checkNumber.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import { refuseOption } from '../fields/refuseOption.js';
import { AddedVocabulary } from './AddedVocabulary.js';
import { byteCharacters, bytePairEncode, bytesOfToken } from './bytePairEncode.js';
import { checkIds, checkLength, checkPrompt, listPrompts, refuseId } from './checkTexts.js';
import { encodedRows } from './encodedRows.js';
import type { MergeTable } from './MergeTable.js';
import { type CLIPTokenizerParts, readClipTokenizer } from './readClipTokenizer.js';
import type { DecodeOptions, EncodedPrompts, EncodeOptions, TokenAddition, Tokenizer } from './Tokenizer.js';
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
  readonly #added: AddedVocabulary;
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
    this.#added = new AddedVocabulary(parts.addedTokens, normalize);

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
    const length = this.#length(options);
    const rows = listPrompts(prompts).map((prompt) => [
      this.bosTokenId,
      ...this.#tokenize(prompt).slice(0, length - 2),
      this.eosTokenId,
    ]);
    return encodedRows(rows, { length, padTokenId: this.padTokenId });
  }

  truncated(prompt: string, options: EncodeOptions = {}): string | undefined {
    checkOptionNames(options, ['maxLength'], 'truncated');
    const cut = this.#tokenize(checkPrompt(prompt)).slice(this.#length(options) - 2);
    return cut.length > 0 ? this.decode(cut) : undefined;
  }

  addToken(token: string, count = 1): TokenAddition {
    if (typeof token !== 'string' || token === '' || token.trim() !== token)
      refuseOption('token', token, 'a text without white space around it');
    checkInteger('count', count, 1);
    const knows = (text: string): boolean =>
      [text, text + END_OF_WORD].some((each) => this.#vocabulary.idOf(Buffer.from(each)) !== undefined);
    return this.#added.add(token, count, this.#vocabulary.size, knows);
  }

  hasAdded(id: number): boolean {
    return this.#added.hasWord(id);
  }

  decode(ids: Iterable<number | bigint>, options: DecodeOptions = {}): string {
    checkOptionNames(options, ['skipSpecialTokens'], 'decode');
    const bytes: Buffer[] = [];
    for (const id of checkIds(ids)) {
      const added = this.#added.tokenOf(Number(id));
      if (added?.special && options.skipSpecialTokens) continue;
      const token = added?.content ?? this.#vocabulary.tokenOf(Number(id));
      bytes.push(bytesOfToken(token ?? refuseId(id, this.#vocabulary.size)));
    }
    return Buffer.concat(bytes).toString('utf8').replaceAll(END_OF_WORD, ' ').replaceAll(OUTER_SPACE, '');
  }

  #length({ maxLength = this.modelMaxLength }: EncodeOptions): number {
    return checkLength(maxLength, SHORTEST, ': start and end');
  }

  /** The ids of a prompt of any length, without start and end. */
  #tokenize(prompt: string): number[] {
    return this.#added.encode(prompt, (text) => this.#tokenizeText(text));
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
