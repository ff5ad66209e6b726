import { checkMembers } from '../../fields/checkMembers.js';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseBytes } from '../../device/parseBytes.js';

/** Where derived weights are kept, and how much of them. */
export interface CacheSettings {
  /** Absolute folder; it need not exist yet. */
  readonly folder: string;
  /** What is used least recently is removed above this many bytes. */
  readonly maxBytes: number;
}

const DEFAULT_MAX_BYTES = 20 * 2 ** 30;

/**
 * Reads `THIMBLE_CACHE`, a folder (default: `thimble` in `XDG_CACHE_HOME`, else in `~/.cache`), and `THIMBLE_CACHE_SIZE`, such as '8GB' (default
 * 20 GB).
 *
 * @throws ERR_ARGUMENT_INVALID for a size that is none
 */
export function readCacheSettings(environment: NodeJS.ProcessEnv): CacheSettings {
  checkMembers('environment', environment, 'variables, such as process.env', []);
  const { THIMBLE_CACHE: folder, THIMBLE_CACHE_SIZE: size, XDG_CACHE_HOME: caches } = environment;
  const maxBytes = size === undefined || size === '' ? DEFAULT_MAX_BYTES : parseBytes(size, 'THIMBLE_CACHE_SIZE');
  return { folder: resolve(folder || join(caches || join(homedir(), '.cache'), 'thimble')), maxBytes };
}
