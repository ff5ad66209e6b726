import { checkMembers } from '../fields/checkMembers.js';
import { checkPath } from '../fields/checkPath.js';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { isThimbleError, ThimbleError } from '../errors.js';
import { fileSystemError } from '../disk/fileSystemError.js';
import { readJsonFile } from '../disk/readJsonFile.js';
import type { JsonObject } from '../disk/readJsonFile.js';
import { readShardIndex } from './files/readShardIndex.js';
import type { ShardIndex } from './files/readShardIndex.js';
import { openTensorFile } from './files/openTensorFile.js';
import { selectWeightFiles } from './files/selectWeightFiles.js';
import type { WeightFiles, WeightLibrary } from './files/selectWeightFiles.js';
import type { TensorFile } from './files/TensorFile.js';
import type { PlacedWeights } from './PartPlace.js';
import type { TensorView } from './TensorView.js';

/** A component on disk: its config, and where each of its tensors lies. No data is in memory. */
export interface ComponentCheckpoint {
  /** The component's folder, absolute, symbolic links resolved. Its files may lie elsewhere: see {@link TensorView.file}. */
  readonly folder: string;
  /** The contents of `config.json`. */
  readonly config: JsonObject;
  /** `_class_name` of a diffusers config, else the first of transformers' `architectures`. */
  readonly className?: string;
  /** Over all files, by state-dict key. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** The variant that was loaded; absent for plain files. */
  readonly variant?: string;
  /** Real paths of its weight files. */
  readonly files: readonly string[];
  /** Bytes of all tensors together, as stored. */
  readonly byteLength: number;
}

/** Something about a checkpoint that the user should know, but that does not stop it from being loaded. */
export interface CheckpointWarning {
  readonly type: 'warning';
  readonly code: 'WARN_VARIANT_MISSING' | 'WARN_VARIANT_ONLY' | 'WARN_PREDICTION_TYPE';
  readonly message: string;
}

/** Options of {@link openComponentCheckpoint}. */
export interface ComponentCheckpointOptions {
  /** Such as `'fp16'` for `model.fp16.safetensors`. A component without it falls back to its plain files, with a warning. */
  readonly variant?: string | undefined;
  /** The library that wrote the component, as `model_index.json` names it; told by the config's fields unless given. Which of several weight files is taken depends on it. */
  readonly library?: string | undefined;
  /** Its config, in place of `config.json`. */
  readonly config?: JsonObject | undefined;
  /** Its weights by diffusers' keys, in place of the folder's: then `folder` need not exist where `config` is given too. */
  readonly weights?: PlacedWeights | undefined;
  readonly onWarning?: ((warning: CheckpointWarning) => void) | undefined;
}

/**
 * Opens a component's folder (`unet/`, `vae/`, …): reads `config.json`, finds its safetensors file or shards, and reads their
 * headers.
 *
 * @throws `ERR_FILE_NOT_FOUND` where the folder is missing; `ERR_MODEL_FOLDER_INVALID` without `config.json`;
 *   `ERR_WEIGHTS_NOT_FOUND`; `ERR_SHARD_MISSING`; `ERR_SHARD_INDEX_INVALID`; `ERR_JSON_INVALID`; and what
 *   {@link openTensorFile} throws
 */
export async function openComponentCheckpoint(
  folder: string,
  options: ComponentCheckpointOptions = {},
): Promise<ComponentCheckpoint> {
  checkPath('folder', folder, 'the path of a folder');
  checkMembers('options', options, 'an object, or nothing', []);
  if (options.weights !== undefined) return checkpointOf(folder, options.weights, options.config);
  const names = await listNames(folder);
  if (!names.includes('config.json'))
    throw new ThimbleError('ERR_MODEL_FOLDER_INVALID', { folder, problem: 'it has no config.json' });
  const config = options.config ?? (await readJsonFile(join(folder, 'config.json')));
  const weights = chooseWeights(folder, names, { ...options, library: options.library ?? libraryOf(config) });
  const files = await openFiles(folder, weights);
  const className = classNameOf(config);
  return {
    folder: await realpath(folder),
    config,
    ...(className === undefined ? {} : { className }),
    tensors: files.tensors,
    ...(weights.variant === undefined ? {} : { variant: weights.variant }),
    files: files.paths,
    byteLength: bytesOf(files.tensors),
  };
}

/** Of weights that lie in a file with others. */
async function checkpointOf(
  folder: string,
  { file, tensors }: PlacedWeights,
  given: JsonObject | undefined,
): Promise<ComponentCheckpoint> {
  const config = given ?? (await readJsonFile(join(folder, 'config.json')));
  const className = classNameOf(config);
  return {
    folder: file,
    config,
    ...(className === undefined ? {} : { className }),
    tensors,
    files: [file],
    byteLength: bytesOf(tensors),
  };
}

function bytesOf(tensors: ReadonlyMap<string, TensorView>): number {
  return [...tensors.values()].reduce((sum, info) => sum + info.byteLength, 0);
}

/** The class that a component's or model's config names, whichever library wrote it. */
export function classNameOf(config: JsonObject): string | undefined {
  if (typeof config['_class_name'] === 'string') return config['_class_name'];
  const { architectures } = config;
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  return typeof first === 'string' ? first : undefined;
}

/** The library that writes such configs: diffusers names its class, transformers its architectures. */
export function libraryOf(config: JsonObject): WeightLibrary {
  return typeof config['_class_name'] === 'string' ? 'diffusers' : 'transformers';
}

async function listNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw fileSystemError(error, folder, 'read');
  }
}

function chooseWeights(
  folder: string,
  names: readonly string[],
  { variant, library, onWarning }: ComponentCheckpointOptions,
): WeightFiles {
  const { weights, ...found } = selectWeightFiles(names, { variant, library });
  if (weights === undefined) throw new ThimbleError('ERR_WEIGHTS_NOT_FOUND', { folder, ...found });
  if (variant !== undefined && weights.variant === undefined) {
    const message = `"${folder}" has no variant "${variant}"; its plain weights are used.`;
    onWarning?.({ type: 'warning', code: 'WARN_VARIANT_MISSING', message });
  }
  if (variant === undefined && weights.variant !== undefined) {
    const message = `"${folder}" has only the variant "${weights.variant}", which is used; pass variant: '${weights.variant}' to ask for it.`;
    onWarning?.({ type: 'warning', code: 'WARN_VARIANT_ONLY', message });
  }
  return weights;
}

interface OpenedFiles {
  readonly paths: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorView>;
}

async function openFiles(folder: string, weights: WeightFiles): Promise<OpenedFiles> {
  const path = join(folder, weights.name);
  if (weights.kind === 'sharded') return openShards(folder, await readShardIndex(path));
  const file = await openTensorFile(path);
  return { paths: [file.path], tensors: file.tensors };
}

async function openShards(folder: string, index: ShardIndex): Promise<OpenedFiles> {
  const paths: string[] = [];
  const tensors = new Map<string, TensorView>();
  const shardOf = new Map<string, string>();
  for (const shard of index.shards) {
    const file = await openShard(folder, shard, index);
    paths.push(file.path);
    for (const [name, info] of file.tensors) {
      if (tensors.has(name))
        throw contradiction(index, `tensor "${name}" is both in "${shardOf.get(name)}" and in "${shard}"`);
      tensors.set(name, info);
      shardOf.set(name, shard);
    }
  }
  for (const [name, shard] of index.weightMap) {
    if (shardOf.get(name) !== shard)
      throw contradiction(index, `it says that tensor "${name}" is in "${shard}", where it is not`);
  }
  return { paths, tensors };
}

async function openShard(folder: string, shard: string, index: ShardIndex): Promise<TensorFile> {
  try {
    return await openTensorFile(join(folder, shard));
  } catch (error) {
    if (!isThimbleError(error, 'ERR_FILE_NOT_FOUND')) throw error;
    throw new ThimbleError('ERR_SHARD_MISSING', { file: index.file, shard }, { cause: error });
  }
}

function contradiction(index: ShardIndex, problem: string): ThimbleError {
  return new ThimbleError('ERR_SHARD_INDEX_INVALID', { file: index.file, problem });
}
