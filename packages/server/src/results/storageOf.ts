import { createStorage, type Driver } from 'unstorage';
import type { ResultStorage } from './ResultStorage.js';

/** A storage of one of unstorage's drivers. */
export function storageOf(driver: Driver): ResultStorage {
  const storage = createStorage({ driver });
  return {
    getItemRaw: async (key) => storage.getItemRaw<unknown>(key),
    setItemRaw: async (key, value) => storage.setItemRaw(key, value),
    removeItem: async (key) => storage.removeItem(key),
    getKeys: async () => storage.getKeys(),
    dispose: async () => storage.dispose(),
  };
}
