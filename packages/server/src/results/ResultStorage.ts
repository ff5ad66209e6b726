import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStorage, type Driver } from 'unstorage';
import fsLiteDriver from 'unstorage/drivers/fs-lite';

/** Where results lie: what of unstorage's `Storage` is used, so that each of its drivers does. */
export interface ResultStorage {
  getItemRaw(key: string): Promise<unknown>;
  setItemRaw(key: string, value: unknown): Promise<void>;
  removeItem(key: string): Promise<void>;
  getKeys(): Promise<string[]>;
  dispose(): Promise<void>;
}

/** A storage in a folder; by default in a new one, which goes when it is disposed. */
export async function folderStorage(folder?: string): Promise<ResultStorage> {
  const base = folder ?? (await mkdtemp(join(tmpdir(), 'thimble-results-')));
  const storage = createStorage({ driver: fsLiteDriver({ base }) as Driver });
  return {
    getItemRaw: async (key) => storage.getItemRaw<unknown>(key),
    setItemRaw: async (key, value) => storage.setItemRaw(key, value),
    removeItem: async (key) => storage.removeItem(key),
    getKeys: async () => storage.getKeys(),
    dispose: async () => {
      await storage.dispose();
      if (folder === undefined) await rm(base, { recursive: true, force: true });
    },
  };
}
