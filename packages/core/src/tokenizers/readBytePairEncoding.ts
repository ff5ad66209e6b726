import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { JsonCursor } from './JsonCursor.js';
import { MergeTable } from './MergeTable.js';
import { type AddedTokenEntry, readAddedTokenList, readAddedTokens } from './readAddedTokens.js';
import { readTokenizerFile } from './readTokenizerFile.js';
import { sharedTables } from './sharedTables.js';
import { Vocabulary } from './Vocabulary.js';

/** The vocabulary and the merges of a folder, and the tokens added to them, with their ids. */
export interface BytePairEncoding {
  /** Where the vocabulary comes from, for messages. */
  readonly file: string;
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
  readonly addedTokens: readonly AddedTokenEntry[];
}

/**
 * Reads `tokenizer.json`, or `vocab.json` and `merges.txt` where there is none, and what `tokenizer_config.json` or `added_tokens.json` adds (source: transformers
 * tokenization_utils_tokenizers.py, `convert_to_native_format`).
 *
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`; `ERR_TOKENIZER_UNSUPPORTED` if `tokenizer.json` holds
 * another kind of model
 */
export async function readBytePairEncoding(folder: string): Promise<BytePairEncoding> {
  const json = join(folder, 'tokenizer.json');
  const whole = await readTokenizerFile(json);
  if (whole) return readTokenizerJson(folder, json, whole);
  const file = join(folder, 'vocab.json');
  const bytes = await readTokenizerFile(file);
  if (!bytes) throw new ThimbleError('ERR_FILE_NOT_FOUND', { path: file });
  const mergesFile = join(folder, 'merges.txt');
  const merges = await readTokenizerFile(mergesFile);
  if (!merges) throw new ThimbleError('ERR_FILE_NOT_FOUND', { path: mergesFile });
  const tables = sharedTables([bytes, merges], () => {
    const vocabulary = Vocabulary.read(new JsonCursor(file, bytes));
    return { vocabulary, merges: MergeTable.readText(mergesFile, merges, vocabulary) };
  });
  return { file, ...tables, addedTokens: await readAddedTokens(folder) };
}

async function readTokenizerJson(folder: string, file: string, bytes: Buffer): Promise<BytePairEncoding> {
  const cursor = new JsonCursor(file, bytes);
  let addedTokens: readonly AddedTokenEntry[] = [];
  let model: Pick<BytePairEncoding, 'vocabulary' | 'merges'> | undefined;
  cursor.open('{');
  while (cursor.more('}')) {
    const key = cursor.key();
    if (key === 'model') model = readModel(folder, file, cursor);
    else if (key === 'added_tokens') addedTokens = readAddedTokenList(file, cursor);
    else cursor.skip();
  }
  if (!model) throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: 'it has no "model"' });
  return { file, addedTokens: await readAddedTokens(folder, addedTokens), ...model };
}

function readModel(folder: string, file: string, cursor: JsonCursor): Pick<BytePairEncoding, 'vocabulary' | 'merges'> {
  let vocabulary: Vocabulary | undefined;
  let merges: MergeTable | undefined;
  cursor.open('{');
  while (cursor.more('}')) {
    const key = cursor.key();
    if (key === 'type') checkType(folder, cursor.value());
    else if (key === 'vocab') vocabulary = Vocabulary.read(cursor);
    else if (key === 'merges' && vocabulary) merges = MergeTable.readJson(file, cursor, vocabulary);
    else cursor.skip();
  }
  if (vocabulary && merges) return { vocabulary, merges };
  throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: 'its "model" has no "vocab" with "merges" after it' });
}

function checkType(folder: string, type: unknown): void {
  if (type === 'BPE') return;
  throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', { folder, tokenizer: type, supported: ['BPE'] });
}
