import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../disk/makeFolder.js';
import { isThimbleError, ThimbleError } from '../../errors.js';
import { fileSystemError, systemErrorCode } from '../../disk/fileSystemError.js';
import { holdFileLock } from '../../disk/holdFileLock.js';
import { filesOf, identityOf, type TensorView } from '../TensorView.js';
import { byteLengthOf, piecesOf, type TensorToWrite } from '../files/writeSafetensors.js';
import { CacheEntry, type EntryOrigin } from './CacheEntry.js';
import { type CacheSettings, readCacheSettings } from './CacheSettings.js';
import { entriesIn, evictLeastRecent, removeUnused } from './evictLeastRecent.js';
import { FileDigests, type OnBytes } from './FileDigests.js';

/** How some weights are made from others. */
export interface DerivedWeightsRecipe {
  /**
   * What is done to the sources, with everything that the result depends on and a version of the code: 'layerwise-casting/1 float8_e4m3fn'. Part of
   * the address: two recipes of one name must give the same from the same sources.
   */
  readonly name: string;
  /** What the weights are made from, as it lies in the layer below; by content, part of the address. */
  readonly sources: Iterable<TensorView>;
  /** What is to be written. Asked only where nothing was found. */
  readonly tensors: () => ReadonlyMap<string, TensorToWrite>;
}

/** How far the making of weights has come; bytes hashed and bytes written count alike. */
export interface DerivedWeightsProgress {
  readonly loaded: number;
  readonly total: number;
}

/** Options of {@link DerivedWeightsCache.open}. */
export interface OpenDerivedOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DerivedWeightsProgress) => void) | undefined;
}

/** Weights in the cache. While this is not disposed, no process removes them to make room. */
export interface DerivedWeights extends AsyncDisposable {
  /** By the names of the recipe. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** The safetensors file that they lie in. */
  readonly file: string;
  /** Whether they were made now, and not found. */
  readonly made: boolean;
}

/** An entry of the cache, as {@link DerivedWeightsCache.list} tells of it. */
export interface CachedWeights {
  /** 64 hexadecimal digits, by which it is removed. */
  readonly key: string;
  readonly bytes: number;
  /** When it was used last, as `Date.now()`. */
  readonly usedAt: number;
  /** Whether a process uses it, or works on it. */
  readonly inUse: boolean;
  /** How it was made and of which files, where it says so. */
  readonly origin: EntryOrigin | undefined;
}

/**
 * Weights made from a checkpoint's (eight-bit floats, int8, other layouts), kept on disk and mapped from there like the checkpoint itself.
 *
 * An entry's address is the digest of what it is made from and how, so it never gets stale. It appears whole or not at all, is hashed again when its
 * file does not look as it was left, and is made anew when it is damaged. Processes that want the same entry at the same time make it once. Above
 * the size limit, what was used least recently is removed, unless a process holds it.
 */
export class DerivedWeightsCache {
  readonly #settings: CacheSettings;

  /** `settings`: by default those that {@link readCacheSettings} finds in this process's environment. */
  constructor(settings: CacheSettings = readCacheSettings(process.env)) {
    this.#settings = settings;
  }

  /** The cache's folder; it need not exist yet. */
  get folder(): string {
    return this.#settings.folder;
  }

  /**
   * Finds the weights that a recipe gives, or makes them.
   *
   * @throws the signal's reason; ERR_DISK_FULL, ERR_FILE_ACCESS; what the recipe throws
   */
  async open(recipe: DerivedWeightsRecipe, { signal, onProgress }: OpenDerivedOptions = {}): Promise<DerivedWeights> {
    signal?.throwIfAborted();
    try {
      const folder = join(this.folder, 'weights');
      await makeFolder(folder);
      return await this.#open(recipe, await realpath(folder), signal, onProgress);
    } catch (error) {
      throw inCache(fileSystemError(error, this.folder, 'write'));
    }
  }

  /** What is in the cache, the largest first. @throws ERR_FILE_ACCESS */
  async list(): Promise<readonly CachedWeights[]> {
    const listed: CachedWeights[] = [];
    for (const entry of await this.#entries()) {
      const usage = await entry.usage();
      const inUse = await entry.isUsed();
      if (usage !== undefined) listed.push({ key: entry.key, ...usage, inUse });
    }
    return listed.toSorted((a, b) => b.bytes - a.bytes);
  }

  /**
   * Removes an entry.
   *
   * @throws ERR_CACHE_IN_USE if a process uses it or works on it; ERR_CACHE_UNKNOWN if there is none of that key; ERR_FILE_ACCESS
   */
  async remove(key: string): Promise<void> {
    const entry = (await this.#entries()).find((each) => each.key === key);
    if (entry === undefined) throw new ThimbleError('ERR_CACHE_UNKNOWN', { name: String(key), folder: this.folder });
    try {
      if (await removeUnused(entry)) return;
    } catch (error) {
      throw inCache(fileSystemError(error, this.folder, 'write'));
    }
    throw new ThimbleError('ERR_CACHE_IN_USE', { name: key });
  }

  async #entries(): Promise<readonly CacheEntry[]> {
    const folder = join(this.folder, 'weights');
    try {
      return await entriesIn(folder);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw fileSystemError(error, folder, 'read');
    }
  }

  async #open(
    recipe: DerivedWeightsRecipe,
    folder: string,
    signal: AbortSignal | undefined,
    onProgress: OpenDerivedOptions['onProgress'],
  ): Promise<DerivedWeights> {
    const sources = [...recipe.sources];
    const digests = new FileDigests(join(this.folder, 'digests'));
    const files = [...new Set(sources.flatMap(filesOf))];
    const toRead = await sum(files, async (file) => digests.bytesToRead(file));
    let loaded = 0;
    let total = toRead;
    const count: OnBytes = (bytes) => {
      loaded += bytes;
      onProgress?.({ loaded, total });
    };
    const digestOf = new Map<string, string>();
    for (const file of files) digestOf.set(file, await digests.of(file, signal, count));
    const entry = new CacheEntry(folder, keyOf(recipe.name, sources, digestOf));
    return holdFileLock(entry.lockFile, signal, async () => {
      const lease = await entry.lease();
      try {
        const found = await entry.read(signal);
        if (found !== undefined) return { ...found, made: false, ...lease };
        const tensors = recipe.tensors();
        total = toRead + [...tensors.values()].reduce((bytes, tensor) => bytes + byteLengthOf(tensor), 0);
        const made = await entry.write(watch(tensors, signal, count), { recipe: recipe.name, files }, signal);
        await evictLeastRecent(folder, this.#settings.maxBytes, entry.key);
        return { ...made, made: true, ...lease };
      } catch (error) {
        await lease[Symbol.asyncDispose]();
        throw error;
      }
    });
  }
}

/** A failure to write says which setting chooses the cache's folder. */
function inCache(error: unknown): unknown {
  const setting = 'THIMBLE_CACHE';
  if (isThimbleError(error, 'ERR_DISK_FULL'))
    return new ThimbleError('ERR_DISK_FULL', { ...error.details, setting }, { cause: error });
  if (isThimbleError(error, 'ERR_FILE_ACCESS') && error.details.operation === 'write')
    return new ThimbleError('ERR_FILE_ACCESS', { ...error.details, setting }, { cause: error });
  return error;
}

function keyOf(recipe: string, sources: readonly TensorView[], digestOf: ReadonlyMap<string, string>): string {
  const contents = sources.map((view) => identityOf(view, (file) => digestOf.get(file)));
  return createHash('sha256')
    .update(JSON.stringify([recipe, contents]))
    .digest('hex');
}

/** The same tensors, which stop when asked to and tell of every piece. */
function watch(
  tensors: ReadonlyMap<string, TensorToWrite>,
  signal: AbortSignal | undefined,
  onBytes: OnBytes,
): ReadonlyMap<string, TensorToWrite> {
  return new Map(
    [...tensors].map(([name, tensor]) => [name, { ...tensor, data: () => watchPieces(tensor, signal, onBytes) }]),
  );
}

async function* watchPieces(
  tensor: TensorToWrite,
  signal: AbortSignal | undefined,
  onBytes: OnBytes,
): AsyncGenerator<Uint8Array> {
  for await (const piece of piecesOf(tensor)) {
    signal?.throwIfAborted();
    yield piece;
    onBytes(piece.byteLength);
  }
}

async function sum<T>(items: readonly T[], of: (item: T) => Promise<number>): Promise<number> {
  let result = 0;
  for (const item of items) result += await of(item);
  return result;
}
