import type * as redis from './redis/index.js';
import { ServerError } from './ServerError.js';

/** Loads a module that needs packages which are optional. @throws ERR_SERVER_PEER_MISSING naming them */
export async function loadPeer<T>(load: () => Promise<T>, what: string, packages: readonly string[]): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ServerError('ERR_SERVER_PEER_MISSING', { what, packages }, { cause: error });
  }
}

/** What works with Redis. @throws ERR_SERVER_PEER_MISSING */
export async function loadRedis(): Promise<typeof redis> {
  return loadPeer(async () => import('./redis/index.js'), 'A queue in Redis', ['bullmq', 'ioredis']);
}
