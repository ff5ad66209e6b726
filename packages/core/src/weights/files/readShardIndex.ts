import { ThimbleError } from '../../errors.js';
import { isJsonObject, readJsonFile } from '../../disk/readJsonFile.js';

/** Which shard holds which tensor. */
export interface ShardIndex {
  /** The index file. */
  readonly file: string;
  /** Names of the shards, sorted; all beside the index. */
  readonly shards: readonly string[];
  /** Tensor name → shard name. */
  readonly weightMap: ReadonlyMap<string, string>;
}

/**
 * Reads a `*.safetensors.index.json`. A shard has to be a plain file name: nothing that an index says leads out of its folder.
 *
 * @throws `ERR_SHARD_INDEX_INVALID`, `ERR_JSON_INVALID`, `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`
 */
export async function readShardIndex(file: string): Promise<ShardIndex> {
  const { weight_map: weights } = await readJsonFile(file);
  if (!isJsonObject(weights)) throw invalid(file, '"weight_map" is not an object');
  const weightMap = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(weights)) {
    if (typeof shard !== 'string') throw invalid(file, `the shard of tensor "${tensor}" is not a file name`);
    if (!isPlainName(shard))
      throw invalid(
        file,
        `tensor "${tensor}" is in ${JSON.stringify(shard)}, which is not the name of a safetensors file in its folder`,
      );
    weightMap.set(tensor, shard);
  }
  if (weightMap.size === 0) throw invalid(file, '"weight_map" is empty');
  return { file, shards: [...new Set(weightMap.values())].toSorted(), weightMap };
}

function isPlainName(name: string): boolean {
  return /^[^/\\:\0]+\.safetensors$/.test(name) && !name.startsWith('..');
}

function invalid(file: string, problem: string): ThimbleError {
  return new ThimbleError('ERR_SHARD_INDEX_INVALID', { file, problem });
}
