import { readFile } from 'node:fs/promises';
import { ThimbleError } from '../errors.js';
import { JsonCursor } from './JsonCursor.js';

/**
 * The contents of a file, or undefined where there is none.
 *
 * @throws `ERR_FILE_ACCESS` if there is one that cannot be read
 */
export async function readTokenizerFile(file: string): Promise<Buffer | undefined> {
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
