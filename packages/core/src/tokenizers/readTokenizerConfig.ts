import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { readTokenizerObject } from './readTokenizerFile.js';

/** What a tokenizer's folder says of it. */
export interface TokenizerConfig {
  /** For messages. */
  readonly file: string;
  /** Of `tokenizer_config.json` and `special_tokens_map.json`, which wins. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Reads the config of a tokenizer of the one class that `names` are the names of.
 *
 * @throws `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`; `ERR_TOKENIZER_UNSUPPORTED` if the config names another class
 */
export async function readTokenizerConfig(folder: string, names: readonly string[]): Promise<TokenizerConfig> {
  const file = join(folder, 'tokenizer_config.json');
  const fields = {
    ...(await readTokenizerObject(file)),
    ...(await readTokenizerObject(join(folder, 'special_tokens_map.json'))),
  };
  const { tokenizer_class: tokenizer = names[0] } = fields;
  if (names.includes(tokenizer as string)) return { file, fields };
  throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', { folder, tokenizer, supported: names });
}
