import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ThimbleError } from '../errors.js';
import { JsonCursor } from './JsonCursor.js';

const gunzipped = promisify(gunzip);

/**
 * The contents of a file, or of one packed by gzip beside it, `FILE.gz`; undefined where there is neither.
 *
 * @throws `ERR_FILE_ACCESS` if there is one that cannot be read
 */
export async function readTokenizerFile(file: string): Promise<Buffer | undefined> {
  const plain = await contentsOf(file);
  if (plain !== undefined) return plain;
  const packed = await contentsOf(`${file}.gz`);
  return packed === undefined ? undefined : gunzipped(packed);
}

async function contentsOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ThimbleError(
      'ERR_FILE_ACCESS',
      { path: file, operation: 'read', reason: String(code ?? cause) },
      { cause },
    );
  }
}

/**
 * The object in a small JSON file; an empty one where there is no file.
 *
 * @throws `ERR_FILE_ACCESS`; `ERR_TOKENIZER_FILE` if the file holds no object
 */
export async function readTokenizerObject(file: string): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readTokenizerFile(file);
  if (!bytes) return {};
  const value = new JsonCursor(file, bytes).value();
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: 'it holds no object' });
}

/** What is above this is no length: transformers writes 1e30 where it knows none. */
const LONGEST = 1_000_000;

/** `model_max_length` of a tokenizer's config; `fallback` where it says none. @throws `ERR_TOKENIZER_FILE` */
export function readModelMaxLength(
  file: string,
  config: Readonly<Record<string, unknown>>,
  { shortest, fallback }: { readonly shortest: number; readonly fallback: number },
): number {
  const value = config['model_max_length'];
  if (value === undefined || value === null || Number(value) > LONGEST) return fallback;
  return Number.isSafeInteger(value) && Number(value) >= shortest
    ? Number(value)
    : refuseField(file, 'model_max_length');
}

/** @throws `ERR_TOKENIZER_FILE` for a field of a tokenizer's config */
export function refuseField(file: string, name: string): never {
  throw new ThimbleError('ERR_TOKENIZER_FILE', {
    file,
    problem: `"${name}", here or in special_tokens_map.json, has a value that it cannot have`,
  });
}
