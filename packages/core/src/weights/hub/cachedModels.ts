import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkPath } from '../../fields/checkPath.js';
import { refuseOption } from '../../fields/refuseOption.js';
import { fileSystemError, systemErrorCode } from '../../disk/fileSystemError.js';
import { isAbandoned, tryToHold } from '../../disk/holdFileLock.js';
import { makeFolder } from '../../disk/makeFolder.js';
import { ThimbleError } from '../../errors.js';
import { readCacheSettings } from '../cache/CacheSettings.js';
import { readHubSettings } from './HubSettings.js';

/** A model in the hub's cache, whole or in part, as {@link cachedModels} tells of it. */
export interface CachedModel {
  /** `owner/name`. */
  readonly id: string;
  /** Its folder in the cache. */
  readonly folder: string;
  readonly bytes: number;
  /** When one of its files was read last, as `Date.now()`; some systems note that once a day. */
  readonly usedAt: number;
  /** Whether it is being downloaded, or a process has opened it that still runs. Other programs' use is not known. */
  readonly inUse: boolean;
}

const PREFIX = 'models--';
/** Programs that use models hold a file here, in the cache of derived weights: that of the hub is other programs', too. */
const LEASES = 'in-use';

/** Folders that this process has opened models of, each with its lease. */
const held = new Map<string, string>();

/** The models in a hub cache, the largest first; by default that of this process's environment. @throws ERR_FILE_ACCESS, ERR_HUB_SETTING_INVALID */
export async function cachedModels(
  cacheDir: string = readHubSettings(process.env).cacheDir,
): Promise<readonly CachedModel[]> {
  checkPath('cacheDir', cacheDir, 'the path of a folder');
  const names = (await namesIn(cacheDir)).filter((name) => name.startsWith(PREFIX));
  const models = await Promise.all(names.map(async (name) => describe(cacheDir, name)));
  return models.toSorted((a, b) => b.bytes - a.bytes);
}

/**
 * Removes a model from its cache: its folder with all revisions, and nothing that links in it lead to.
 *
 * @param id `owner/name`
 * @throws ERR_CACHE_IN_USE where it is in use; ERR_CACHE_UNKNOWN where it is not there; ERR_FILE_ACCESS
 */
export async function removeCachedModel(
  id: string,
  cacheDir: string = readHubSettings(process.env).cacheDir,
): Promise<void> {
  if (typeof id !== 'string') refuseOption('id', id, 'the id of a model');
  // The folder's name is the cache's own, so that no id leads out of it.
  const model = (await cachedModels(cacheDir)).find((each) => each.id === id);
  if (model === undefined) throw new ThimbleError('ERR_CACHE_UNKNOWN', { name: String(id), folder: cacheDir });
  if (model.inUse) throw new ThimbleError('ERR_CACHE_IN_USE', { name: id });
  try {
    await rm(model.folder, { recursive: true, force: true });
  } catch (error) {
    throw fileSystemError(error, model.folder, 'write');
  }
}

/** Says that this process uses a model of the hub's cache, until it ends. Where that cannot be written nobody is told. */
export async function holdCachedModel(folder: string): Promise<void> {
  if (held.has(folder)) return;
  const leases = leaseFolder();
  const lease = join(leases, `${basename(folder)}.${process.pid}-${randomUUID()}.lease`);
  if (held.size === 0) process.once('exit', releaseAll);
  held.set(folder, lease);
  try {
    await makeFolder(leases);
    await tryToHold(lease);
  } catch {
    // A disk that cannot be written keeps its models, too.
  }
}

function releaseAll(): void {
  for (const lease of held.values()) rmSync(lease, { force: true });
}

async function describe(cacheDir: string, name: string): Promise<CachedModel> {
  const folder = join(cacheDir, name);
  let bytes = 0;
  let usedAt = 0;
  // A link that has the folder's name leads out of the cache, and is all that is looked at.
  const isOwn = (await lstat(folder)).isDirectory();
  for (const path of isOwn ? await filesBelow(folder) : []) {
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isFile() !== true) continue;
    bytes += stats.size;
    usedAt = Math.max(usedAt, stats.atimeMs);
  }
  const id = name.slice(PREFIX.length).replaceAll('--', '/');
  return { id, folder, bytes, usedAt, inUse: (await isHeld(name)) || (isOwn && (await isDownloading(folder))) };
}

/** Files and links below a folder. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

async function isHeld(name: string): Promise<boolean> {
  const leases = leaseFolder();
  return isAnyAlive(
    leases,
    (await namesIn(leases)).filter((lease) => lease.startsWith(`${name}.`)),
  );
}

async function isDownloading(folder: string): Promise<boolean> {
  const blobs = join(folder, 'blobs');
  return isAnyAlive(
    blobs,
    (await namesIn(blobs)).filter((name) => name.endsWith('.lock')),
  );
}

/** Whether one of these files is held by a process that lives. Those of others go. */
async function isAnyAlive(folder: string, names: readonly string[]): Promise<boolean> {
  let alive = false;
  for (const name of names) {
    if (await isAbandoned(join(folder, name))) await rm(join(folder, name), { force: true });
    else alive = true;
  }
  return alive;
}

function leaseFolder(): string {
  return join(readCacheSettings(process.env).folder, LEASES);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw fileSystemError(error, folder, 'read');
  }
}
