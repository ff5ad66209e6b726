import { checkMembers } from '../fields/checkMembers.js';
import { checkPath } from '../fields/checkPath.js';
import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ThimbleError } from '../errors.js';

/**
 * Writes a file under another name beside it and renames it, so that nobody ever sees half of it, and a file of that name
 * stays as it is if writing fails.
 *
 * @throws `ERR_FILE_NOT_FOUND` if the folder does not exist; `ERR_FILE_ACCESS`, `ERR_DISK_FULL`
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  checkPath('path', path);
  checkMembers('bytes', bytes, 'a Uint8Array', ['buffer', 'byteLength']);
  // A name of its own: that of the file with more behind it may be longer than a name can be.
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeFile(temporary, bytes, { flag: 'wx' });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, cause);
  }
}

function writeError(path: string, cause: unknown): ThimbleError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new ThimbleError('ERR_FILE_NOT_FOUND', { path: dirname(path) }, { cause });
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ThimbleError('ERR_DISK_FULL', { path }, { cause });
  return new ThimbleError('ERR_FILE_ACCESS', { path, operation: 'write', reason: code ?? String(cause) }, { cause });
}
