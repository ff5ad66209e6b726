import { readdir, rm } from 'node:fs/promises';
import { isAbandoned, tryToHold } from '../../disk/holdFileLock.js';
import { CacheEntry } from './CacheEntry.js';

/**
 * Removes entries, those used least recently first, until the rest takes at most `maxBytes`. The entry `keep` stays, and so does what a process
 * uses or works on; entries that were never finished go.
 */
export async function evictLeastRecent(folder: string, maxBytes: number, keep: string): Promise<void> {
  const entries = [];
  for (const entry of await entriesIn(folder)) {
    entries.push({ entry, ...((await entry.usage()) ?? { bytes: 0, usedAt: -Infinity }) });
  }
  let bytes = entries.reduce((sum, each) => sum + each.bytes, 0);
  for (const each of entries.toSorted((a, b) => a.usedAt - b.usedAt)) {
    const unfinished = each.usedAt === -Infinity;
    if (each.entry.key === keep || (bytes <= maxBytes && !unfinished)) continue;
    if (await removeUnused(each.entry)) bytes -= each.bytes;
  }
}

/** All entries of the cache, also those that were never finished. */
export async function entriesIn(folder: string): Promise<readonly CacheEntry[]> {
  const keys = new Set((await readdir(folder)).map((name) => name.split('.')[0] as string));
  return [...keys].map((key) => new CacheEntry(folder, key));
}

/** Removes an entry, unless a process uses it or works on it. Returns whether it is gone. */
export async function removeUnused(entry: CacheEntry): Promise<boolean> {
  if (await isAbandoned(entry.lockFile)) await rm(entry.lockFile, { force: true });
  await using lock = await tryToHold(entry.lockFile);
  if (lock === undefined || (await entry.isUsed())) return false;
  await entry.remove();
  return true;
}
