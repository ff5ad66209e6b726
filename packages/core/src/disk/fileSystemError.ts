import { isThimbleError, ThimbleError } from '../errors.js';

const FULL = new Set(['ENOSPC', 'EDQUOT']);
const MISSING = new Set(['ENOENT']);
/** What system errors are called, and a refusal of Node's permission model; Node's other codes begin with `ERR_`, too. */
const SYSTEM = /^(?:E[A-Z0-9]+|ERR_ACCESS_DENIED)$/;
/** Of connections, whose failures are told by whoever makes them. */
const OF_NETWORK = /^E(?:ADDR|CONN|HOST|NET|NOTFOUND$|PIPE$|TIMEDOUT$)/;

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
  if (SYSTEM.test(code) && !OF_NETWORK.test(code))
    return new ThimbleError('ERR_FILE_ACCESS', { path, operation, reason: code }, { cause: error });
  return error;
}
