import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../disk/makeFolder.js';
import { ThimbleError } from '../../errors.js';
import { fileSystemError } from '../../disk/fileSystemError.js';
import { readModelIndex } from '../ModelIndex.js';
import { readShardIndex } from '../files/readShardIndex.js';
import { downloadHubFile, partialBytes } from './downloadHubFile.js';
import type { HubCache } from './HubCache.js';
import type { HubClient, HubFile } from './HubClient.js';
import type { HubModelId } from './HubModelId.js';
import { planCheckpointFiles } from './planCheckpointFiles.js';
import type { PlanOptions } from './planCheckpointFiles.js';

/** Progress of a download, in bytes over all files of the model that are needed. */
export interface DownloadEvent {
  readonly type: 'download';
  /** Path in the repository of the file that is being downloaded. */
  readonly file: string;
  /** Bytes that are on disk, those from earlier downloads included. */
  readonly loaded: number;
  /** Bytes of all needed files. */
  readonly total: number;
}

/** Options of {@link downloadSnapshot}. */
export interface SnapshotOptions extends PlanOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: DownloadEvent) => void) | undefined;
}

/** What {@link downloadSnapshot} did. */
export interface Snapshot {
  readonly folder: string;
  readonly commit: string;
  /** Whether any file had to be fetched. */
  readonly downloaded: boolean;
}

/**
 * Brings the needed files of a model at `commit` into the cache. The weights are not begun before there is room for all.
 *
 * @throws `ERR_MODEL_FOLDER_INVALID` where the repository lacks files that are needed; `ERR_DISK_FULL`; what
 *   {@link planCheckpointFiles} and {@link downloadHubFile} throw
 */
export async function downloadSnapshot(
  client: HubClient,
  cache: HubCache,
  model: HubModelId,
  commit: string,
  options: SnapshotOptions,
): Promise<Snapshot> {
  const folder = cache.snapshot(commit);
  const byPath = new Map(
    (await client.files(commit)).filter((file) => isSafePath(file.path)).map((file) => [file.path, file]),
  );
  const transfer = new Transfer(client, cache, model, commit, options);
  const label = `${model.id}@${model.revision}`;
  const filesAt = (paths: readonly string[]): readonly HubFile[] => paths.flatMap((path) => byPath.get(path) ?? []);
  const plan = await planCheckpointFiles(
    {
      label,
      paths: [...byPath.keys()],
      fetch: (paths) => transfer.fetch(filesAt(paths)),
      readModelIndex: () => readModelIndex(folder),
      readShardIndex: (path) => readShardIndex(join(folder, path)),
    },
    options,
  );
  if (plan.missing.length > 0)
    throw new ThimbleError('ERR_MODEL_FOLDER_INVALID', {
      folder: label,
      problem: `it lacks ${plan.missing.join(', ')}${orOneOf(model.id, [...byPath.keys()], plan.missing)}`,
    });
  await transfer.fetchAll(filesAt(plan.files));
  await cache.setCommitOf(model.revision, commit);
  return { folder, commit, downloaded: transfer.downloaded };
}

/** Of a repository of weights alone, such as one of GGUF files, one has to be named. */
function orOneOf(id: string, paths: readonly string[], missing: readonly string[]): string {
  const file = missing.includes('model_index.json')
    ? paths.find((path) => /\.(?:gguf|safetensors)$/i.test(path))
    : undefined;
  return file === undefined ? '' : `. Of its files of weights give one by its name, such as "${id}:${file}"`;
}

/** A path from the hub is joined to the cache's folder: it must not lead out of it on any system. */
function isSafePath(path: string): boolean {
  return !/[\\:\0]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

class Transfer {
  downloaded = false;
  readonly #client: HubClient;
  readonly #cache: HubCache;
  readonly #model: HubModelId;
  readonly #commit: string;
  readonly #options: SnapshotOptions;

  constructor(client: HubClient, cache: HubCache, model: HubModelId, commit: string, options: SnapshotOptions) {
    this.#client = client;
    this.#cache = cache;
    this.#model = model;
    this.#commit = commit;
    this.#options = options;
  }

  /** Fetches a few small files, without progress. */
  async fetch(files: readonly HubFile[]): Promise<void> {
    for (const file of files) await this.#fetchFile(file, () => undefined);
  }

  /** Fetches all files, with progress over all of them. */
  async fetchAll(files: readonly HubFile[]): Promise<void> {
    await this.#checkRoom(files);
    const total = files.reduce((sum, file) => sum + file.size, 0);
    let before = 0;
    for (const file of files) {
      const done = before;
      await this.#fetchFile(file, (bytes) =>
        this.#options.onProgress?.({ type: 'download', file: file.path, loaded: done + bytes, total }),
      );
      before += file.size;
    }
  }

  async #fetchFile(file: HubFile, onLoaded: (bytes: number) => void): Promise<void> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const path = this.#cache.blob(file);
    if ((await this.#cache.blobSize(file)) !== file.size) {
      this.downloaded = true;
      await downloadHubFile({
        client: this.#client,
        model: this.#model.id,
        commit: this.#commit,
        file,
        path,
        signal,
        onLoaded,
      });
    }
    await this.#cache.link(file, this.#commit);
  }

  async #checkRoom(files: readonly HubFile[]): Promise<void> {
    let neededBytes = 0;
    for (const file of new Map(files.map((each) => [each.etag, each])).values()) {
      if ((await this.#cache.blobSize(file)) === file.size) continue;
      neededBytes += Math.max(0, file.size - (await partialBytes(this.#cache.blob(file))));
    }
    const path = this.#cache.folder;
    const freeBytes = await freeBytesAt(path);
    if (neededBytes > freeBytes) throw new ThimbleError('ERR_DISK_FULL', { path, neededBytes, freeBytes });
  }
}

async function freeBytesAt(path: string): Promise<number> {
  try {
    await makeFolder(path);
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    throw fileSystemError(error, path, 'write');
  }
}
