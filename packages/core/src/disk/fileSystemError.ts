import { isThimbleError, ThimbleError } from '../errors.js';

const FULL = new Set(['ENOSPC', 'EDQUOT']);
const MISSING = new Set(['ENOENT']);
const REFUSED = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'ELOOP',
  'ENAMETOOLONG',
  'EAGAIN',
  'EIO',
  'EINVAL',
  'ESPIPE',
  'ENXIO',
  // Windows: of a file that is open or mapped elsewhere.
  'EBUSY',
  // Node's permission model.
  'ERR_ACCESS_DENIED',
]);

/** The `code` of a system error such as `ENOENT`; `undefined` for anything else. Works across realms. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || isThimbleError(error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * What to throw instead of a raw file-system error: `ERR_DISK_FULL`, `ERR_FILE_ACCESS` or `ERR_FILE_NOT_FOUND`. Anything that is
 * not such a failure (an abort, a bug, an error that already has a code of ours) comes back as it is.
 */
export function fileSystemError(error: unknown, path: string, operation: 'read' | 'write'): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  if (FULL.has(code)) return new ThimbleError('ERR_DISK_FULL', { path }, { cause: error });
  if (MISSING.has(code)) return new ThimbleError('ERR_FILE_NOT_FOUND', { path }, { cause: error });
  if (REFUSED.has(code))
    return new ThimbleError('ERR_FILE_ACCESS', { path, operation, reason: code }, { cause: error });
  return error;
}
