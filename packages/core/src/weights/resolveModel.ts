import { checkMembers } from '../fields/checkMembers.js';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isThimbleError, ThimbleError } from '../errors.js';
import { checkPath } from '../fields/checkPath.js';
import { fileSystemError, systemErrorCode } from '../disk/fileSystemError.js';
import { refuseOutsideLinks } from '../disk/refuseOutsideLinks.js';
import { downloadSnapshot } from './hub/downloadSnapshot.js';
import type { DownloadEvent } from './hub/downloadSnapshot.js';
import { holdCachedModel } from './hub/cachedModels.js';
import { HubCache } from './hub/HubCache.js';
import { HubClient } from './hub/HubClient.js';
import { parseHubFileId } from './hub/HubFileId.js';
import { parseHubModelId } from './hub/HubModelId.js';
import type { HubModelId } from './hub/HubModelId.js';
import { readHubSettings, readHubToken } from './hub/HubSettings.js';
import { proxiedFetch } from './hub/proxiedFetch.js';
import { planCheckpointFiles } from './hub/planCheckpointFiles.js';
import type { ComponentChoice } from './hub/planCheckpointFiles.js';
import { readModelIndex } from './ModelIndex.js';
import { readShardIndex } from './files/readShardIndex.js';

/** Options of {@link resolveModel}. */
export interface ResolveModelOptions {
  /** Branch, tag or commit; `main` unless told, or given as `owner/name@revision`. */
  readonly revision?: string | undefined;
  /** Such as `'fp16'`. A component without it counts with its plain files. */
  readonly variant?: string | undefined;
  /** The components that are needed, by name, or a function that names them once `model_index.json` is known; all unless told. */
  readonly components?: ComponentChoice | undefined;
  /** Configs and tokenizer files alone, no weights. */
  readonly configsOnly?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: DownloadEvent) => void) | undefined;
  /** The folder of the hub cache; `HF_HUB_CACHE`, `HF_HOME/hub` or `~/.cache/huggingface/hub` unless told. */
  readonly cacheDir?: string | undefined;
  /** Make no request, as with `HF_HUB_OFFLINE=1`. */
  readonly localFilesOnly?: boolean | undefined;
  /** Follow links in a folder that lead outside of it; those into the hub's cache are followed anyway. */
  readonly allowSymlinks?: boolean | undefined;
}

/** Where a model is on disk. */
export interface ResolvedModel {
  /** A folder in diffusers' layout, absolute; for a file the one that it is in. */
  readonly folder: string;
  /** The path of a single file of weights, where the model is one. */
  readonly file?: string;
  /** A folder that was given, one that was complete in the cache, or one that files were downloaded for. */
  readonly source: 'folder' | 'cache' | 'download';
  /** The commit, for a model from the hub. */
  readonly commit?: string;
}

/**
 * Finds a model: an existing folder or file; else a hub id, or a file on the hub, first in the cache that Python's huggingface_hub shares (taken without asking
 * the hub where all that is wanted is there), else downloaded into it. Only configs, tokenizer files and the wanted safetensors
 * are fetched. Follows `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE` and `TRANSFORMERS_OFFLINE`, the time-outs `HF_HUB_ETAG_TIMEOUT` and
 * `HF_HUB_DOWNLOAD_TIMEOUT`, and the proxies `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, as Python's client does.
 *
 * @param model path of a folder or of a file of weights; `owner/name` or `owner/name@revision`; `owner/name:path/file.safetensors`, or that file's address
 * @throws `ERR_MODEL_NOT_FOUND`, `ERR_LINK_OUTSIDE`, `ERR_MODEL_FOLDER_INVALID`, `ERR_WEIGHTS_NOT_FOUND`, `ERR_ARGUMENT_INVALID`, `ERR_HUB_ACCESS`,
 *   `ERR_HUB_REQUEST`, `ERR_HUB_OFFLINE`, `ERR_HUB_SETTING_INVALID`, `ERR_DOWNLOAD_CORRUPT`, `ERR_DISK_FULL`, `ERR_FILE_ACCESS`;
 *   the signal's reason
 */
export async function resolveModel(model: string, options: ResolveModelOptions = {}): Promise<ResolvedModel> {
  checkMembers('options', options, 'an object, or nothing', []);
  options.signal?.throwIfAborted();
  checkPath(
    'model',
    typeof model === 'string' ? model.trim() : model,
    'the path of a folder or file, or a hub id "owner/name"',
  );
  const folder = resolve(model);
  const kind = await kindOf(folder);
  if (kind === 'folder') {
    if (options.allowSymlinks !== true) await refuseOutsideLinks(folder, namesIn(options.components));
    return { folder, source: 'folder' };
  }
  if (kind === 'file') return { folder: dirname(folder), file: folder, source: 'folder' };
  const onHub = parseHubFileId(model.trim(), options.revision, readHubSettings(process.env).endpoint);
  if (onHub !== undefined) {
    const { path: file } = onHub;
    const found = await resolveHubModel(onHub.model, folder, { ...options, file });
    return { ...found, file: join(found.folder, file) };
  }
  const id = parseHubModelId(model, options.revision);
  if (id === undefined)
    throw new ThimbleError('ERR_MODEL_NOT_FOUND', {
      model,
      folder,
      problem: 'it is not the id of a model on the hub either',
    });
  return resolveHubModel(id, folder, options);
}

/** One file alone, where `file` is given. */
type HubOptions = ResolveModelOptions & { readonly file?: string };

async function resolveHubModel(model: HubModelId, folder: string, options: HubOptions): Promise<ResolvedModel> {
  const settings = readHubSettings(process.env);
  const cacheDir = resolve(options.cacheDir ?? settings.cacheDir);
  const cache = new HubCache(cacheDir, model.id);
  await holdCachedModel(cache.folder);
  const cached = await findCached(cache, model, options);
  if (cached.found !== undefined && cached.exact) return cached.found;
  if (settings.offline || options.localFilesOnly === true) {
    if (cached.found !== undefined) return cached.found;
    throw new ThimbleError('ERR_HUB_OFFLINE', {
      model: `${model.id}@${model.revision}`,
      cache: cacheDir,
      missing: cached.missing,
      folder,
    });
  }
  const client = new HubClient({
    ...settings,
    model,
    folder,
    token: await readHubToken(process.env),
    signal: options.signal,
    fetch: await proxiedFetch(process.env),
  });
  const current = await currentOrCached(client, cached.found);
  if (typeof current !== 'string') return current;
  const snapshot = await downloadSnapshot(client, cache, model, current, options);
  return { folder: snapshot.folder, source: snapshot.downloaded ? 'download' : 'cache', commit: current };
}

/** Where the hub cannot be reached, or does not know or not show the model (any more), as huggingface_hub has it in `_snapshot_download.py`. */
const CACHE_WILL_DO = ['ERR_HUB_REQUEST', 'ERR_HUB_ACCESS', 'ERR_MODEL_NOT_FOUND'] as const;

/** @returns the commit to download; or what is in the cache, where the hub does not say one */
async function currentOrCached(client: HubClient, cached: ResolvedModel | undefined): Promise<string | ResolvedModel> {
  try {
    return await client.commit();
  } catch (error) {
    if (cached !== undefined && CACHE_WILL_DO.some((code) => isThimbleError(error, code))) return cached;
    throw error;
  }
}

interface Cached {
  readonly found?: ResolvedModel;
  /** Whether every component is there in the asked variant: otherwise the hub may have it. */
  readonly exact: boolean;
  readonly missing: readonly string[];
}

async function findCached(cache: HubCache, model: HubModelId, options: HubOptions): Promise<Cached> {
  const commit = await cache.commitOf(model.revision);
  if (commit === undefined) return { exact: false, missing: [`revision ${model.revision}`] };
  const folder = cache.snapshot(commit);
  try {
    const plan = await planCheckpointFiles(
      {
        label: folder,
        paths: await cache.paths(commit),
        fetch: async () => undefined,
        readModelIndex: () => readModelIndex(folder),
        readShardIndex: (path) => readShardIndex(join(folder, path)),
      },
      options,
    );
    if (plan.missing.length > 0) return { exact: false, missing: plan.missing };
    return { found: { folder, source: 'cache', commit }, exact: plan.withoutVariant.length === 0, missing: [] };
  } catch (error) {
    // Another program may have cached other formats or variants only.
    if (isThimbleError(error, 'ERR_WEIGHTS_NOT_FOUND')) return { exact: false, missing: ['*.safetensors'] };
    throw error;
  }
}

function namesIn(components: ComponentChoice | undefined): readonly string[] {
  return components === undefined || typeof components === 'function' ? [] : components;
}

async function kindOf(path: string): Promise<'folder' | 'file' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw fileSystemError(error, path, 'read');
  }
}
