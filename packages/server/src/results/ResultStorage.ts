/** Where results lie: what of unstorage's `Storage` is used, so that each of its drivers does. */
export interface ResultStorage {
  getItemRaw(key: string): Promise<unknown>;
  setItemRaw(key: string, value: unknown): Promise<void>;
  removeItem(key: string): Promise<void>;
  getKeys(): Promise<string[]>;
  dispose(): Promise<void>;
}
