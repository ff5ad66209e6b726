import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { type AddedToken, readAddedToken } from './AddedToken.js';
import type { JsonCursor } from './JsonCursor.js';
import { hasOwnTokens } from './readTokenizerConfig.js';
import { readTokenizerObject } from './readTokenizerFile.js';

/** A token that was added to a vocabulary, with its id. */
export type AddedTokenEntry = readonly [token: AddedToken, id: number];

/**
 * Reads `added_tokens_decoder` of `tokenizer_config.json`, or else `added_tokens.json`.
 *
 * @param listed those of `tokenizer.json`, which count where the config has none
 * @throws `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`
 */
export async function readAddedTokens(
  folder: string,
  listed: readonly AddedTokenEntry[] = [],
): Promise<readonly AddedTokenEntry[]> {
  const configFile = join(folder, 'tokenizer_config.json');
  const config = await readTokenizerObject(configFile);
  if (hasOwnTokens(config))
    return Object.entries(config['added_tokens_decoder'] as object).map(([id, json]) =>
      addedEntry(configFile, json, Number(id)),
    );
  const file = join(folder, 'added_tokens.json');
  const tokens = Object.entries(await readTokenizerObject(file));
  return [...tokens.map(([content, id]) => addedEntry(file, { content, normalized: true }, id)), ...listed];
}

/** Reads the list `added_tokens` of `tokenizer.json`. @throws `ERR_TOKENIZER_FILE` */
export function readAddedTokenList(file: string, cursor: JsonCursor): readonly AddedTokenEntry[] {
  const list: AddedTokenEntry[] = [];
  cursor.open('[');
  while (cursor.more(']')) {
    const json = cursor.value();
    list.push(addedEntry(file, json, (json as { id?: unknown } | null)?.id));
  }
  return list;
}

function addedEntry(file: string, json: unknown, id: unknown): AddedTokenEntry {
  const token = readAddedToken(json);
  if (token && Number.isSafeInteger(id) && Number(id) >= 0) return [token, Number(id)];
  throw new ThimbleError('ERR_TOKENIZER_FILE', {
    file,
    problem: `the added token ${JSON.stringify(json)} with the id ${JSON.stringify(id)} is none`,
  });
}
