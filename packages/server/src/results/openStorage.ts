import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Driver } from 'unstorage';
import fsLiteDriver from 'unstorage/drivers/fs-lite';
import { loadPeer } from '../loadPeer.js';
import type { ResultStorage } from './ResultStorage.js';
import { storageOf } from './storageOf.js';

/** The storage that a text names: redis://…, s3://…, or a folder; by default a folder of its own. @throws ERR_SERVER_PEER_MISSING */
export async function openStorage(results?: string): Promise<ResultStorage> {
  const protocol = /^([a-z][a-z\d]+):\/\//.exec(results ?? '')?.[1];
  if (protocol === 'redis' || protocol === 'rediss')
    return (await loadPeer(async () => import('./redisStorage.js'), 'A store in Redis', ['ioredis'])).redisStorage(
      results as string,
    );
  if (protocol === 's3')
    return (await loadPeer(async () => import('./s3Storage.js'), 'A store in S3', ['aws4fetch'])).s3Storage(
      results as string,
    );
  return folderStorage(results);
}

/** A storage in a folder; by default in a new one, which goes when it is disposed. */
export async function folderStorage(folder?: string): Promise<ResultStorage> {
  const base = folder ?? (await mkdtemp(join(tmpdir(), 'thimble-results-')));
  const storage = storageOf(fsLiteDriver({ base }) as Driver);
  return {
    ...storage,
    dispose: async () => {
      await storage.dispose();
      if (folder === undefined) await rm(base, { recursive: true, force: true });
    },
  };
}
