import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EncodedPrompts, type EncodeOptions, Tensor, type Tokenizer } from '@thimble/core';

/** A list of words; every other word means nothing, as padding does: both are 0. */
export class WordTokenizer implements Tokenizer {
  readonly modelMaxLength = 8;
  readonly #words: readonly string[];

  /** @param words by id */
  constructor(words: readonly string[]) {
    this.#words = words;
  }

  static async fromPretrained(folder: string): Promise<WordTokenizer> {
    return new WordTokenizer(JSON.parse(await readFile(join(folder, 'words.json'), 'utf8')) as string[]);
  }

  encode(prompts: string | readonly string[], { maxLength = this.modelMaxLength }: EncodeOptions = {}): EncodedPrompts {
    const rows = [prompts].flat().map((prompt) => this.#ids(prompt).slice(0, maxLength));
    const tensorOf = (row: (ids: number[], i: number) => number): Tensor =>
      new Tensor(
        'int64',
        BigInt64Array.from(rows.flatMap((ids) => Array.from({ length: maxLength }, (_, i) => BigInt(row(ids, i))))),
        [rows.length, maxLength],
      );
    return {
      input_ids: tensorOf((ids, i) => ids[i] ?? 0),
      attention_mask: tensorOf((ids, i) => (i < ids.length ? 1 : 0)),
    };
  }

  truncated(prompt: string, { maxLength = this.modelMaxLength }: EncodeOptions = {}): string | undefined {
    const rest = wordsOf(prompt).slice(maxLength);
    return rest.length === 0 ? undefined : rest.join(' ');
  }

  decode(ids: Iterable<number | bigint>): string {
    return Array.from(ids, (id) => this.#words[Number(id)] ?? '')
      .filter((word) => word !== '')
      .join(' ');
  }

  #ids(prompt: string): number[] {
    return wordsOf(prompt).map((word) => Math.max(0, this.#words.indexOf(word)));
  }
}

function wordsOf(prompt: string): string[] {
  return prompt.toLowerCase().match(/\p{L}+/gu) ?? [];
}
