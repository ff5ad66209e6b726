import { join } from 'node:path';
import { checkPath } from '../fields/checkPath.js';
import { readTokenizerObject } from './readTokenizerFile.js';

/** What a tokenizer's folder says of it. */
export interface TokenizerConfig {
  /** For messages. */
  readonly file: string;
  /**
   * Of `tokenizer_config.json`, and of `special_tokens_map.json`, which wins. A config with `added_tokens_decoder` is complete, and the older files beside it are not
   * asked (source: transformers tokenization_utils_base.py, `_from_pretrained`).
   */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Reads the config of a tokenizer. Its `tokenizer_class` is not looked at: who opens a folder by a class gets that class.
 *
 * @throws `ERR_ARGUMENT_INVALID`, `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`
 */
export async function readTokenizerConfig(folder: string): Promise<TokenizerConfig> {
  checkPath('folder', folder, "the path of a tokenizer's folder");
  const file = join(folder, 'tokenizer_config.json');
  const fields = await readTokenizerObject(file);
  if (hasOwnTokens(fields)) return { file, fields };
  return { file, fields: { ...fields, ...(await readTokenizerObject(join(folder, 'special_tokens_map.json'))) } };
}

/** Whether a `tokenizer_config.json` lists the added tokens itself, so that `special_tokens_map.json` and `added_tokens.json` are from before. */
export function hasOwnTokens({ added_tokens_decoder: decoder }: Readonly<Record<string, unknown>>): boolean {
  return typeof decoder === 'object' && decoder !== null;
}
