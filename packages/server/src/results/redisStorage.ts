import type { Redis } from 'ioredis';
import type { Driver } from 'unstorage';
import redisDriver from 'unstorage/drivers/redis';
import type { ResultStorage } from './ResultStorage.js';
import { storageOf } from './storageOf.js';

/** What keys begin with. */
const BASE = 'thimble:results';

/** A storage in Redis or Valkey. The driver alone would write pictures as base64, and hold the program by a timer where the connection has ended by itself. */
export function redisStorage(url: string): ResultStorage {
  const driver = redisDriver({ base: BASE, url, disconnectTimeout: 0 }) as Driver<unknown, Redis>;
  const redis = driver.getInstance!();
  // Who asks for a picture is told where it fails.
  redis.on('error', () => undefined);
  return storageOf({
    ...driver,
    getItemRaw: async (key) => redis.getBuffer(`${BASE}:${key}`),
    setItemRaw: async (key, value) => {
      await redis.set(`${BASE}:${key}`, Buffer.from(value as Uint8Array));
    },
  });
}
