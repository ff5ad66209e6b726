import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSystemError } from '../disk/fileSystemError.js';
import { isThimbleError, ThimbleError } from '../errors.js';
import { createTokenizer } from './createTokenizer.js';
import type { Tokenizer, TokenizerClass } from './Tokenizer.js';

/**
 * The tokenizer that the files of a folder make, which are in no folder: tokenizers read theirs from one, so there is one until they have.
 *
 * @param files by name
 * @param source where the files come from, for messages
 * @throws what `createTokenizer` throws; `ERR_DISK_FULL`, `ERR_FILE_ACCESS` where there can be no folder
 */
export async function createTokenizerOf(
  files: ReadonlyMap<string, string>,
  source: string,
  className: string,
  registry: Readonly<Record<string, TokenizerClass>>,
): Promise<Tokenizer> {
  const folder = await mkdtemp(join(tmpdir(), 'thimble-tokenizer-')).catch((error: unknown) => {
    throw fileSystemError(error, tmpdir(), 'write');
  });
  try {
    for (const [name, text] of files) await writeFile(join(folder, name), text);
    return await createTokenizer(folder, className, registry);
  } catch (error) {
    if (!isThimbleError(error, 'ERR_TOKENIZER_FILE')) throw fileSystemError(error, folder, 'write');
    throw new ThimbleError('ERR_TOKENIZER_FILE', { ...error.details, file: source }, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
