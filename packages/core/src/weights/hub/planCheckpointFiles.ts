import { posix } from 'node:path';
import { ThimbleError } from '../../errors.js';
import { libraryOf } from '../ComponentCheckpoint.js';
import type { ComponentClass, ModelIndex } from '../ModelIndex.js';
import { partKind } from '../partKind.js';
import type { ShardIndex } from '../files/readShardIndex.js';
import { isWeightFileName, selectWeightFiles, type WeightFileChoice } from '../files/selectWeightFiles.js';

/** Which components of a checkpoint are wanted: names, or a choice made when the index is known. */
export type ComponentChoice = readonly string[] | ((index: ModelIndex) => readonly string[]);

/** A checkpoint of which only the names of its files may be known so far. */
export interface CheckpointSource {
  /** Paths relative to the checkpoint's folder, with forward slashes. */
  readonly paths: readonly string[];
  /** Makes the named files readable below `folder`, and resolves when they are. */
  readonly fetch: (paths: readonly string[]) => Promise<void>;
  /** Reads the index; called after the files that it needs were fetched. */
  readonly readModelIndex: () => Promise<ModelIndex>;
  /** Reads a shard index; called after it was fetched. */
  readonly readShardIndex: (path: string) => Promise<ShardIndex>;
  /** What the checkpoint is called in messages. */
  readonly label: string;
}

/** Which files of a checkpoint are wanted. */
export interface PlanOptions {
  readonly components?: ComponentChoice | undefined;
  readonly variant?: string | undefined;
  /** This one alone: a path in the repository. */
  readonly file?: string | undefined;
  /** No weights. */
  readonly configsOnly?: boolean | undefined;
}

/** The files that are needed, and what is not there. */
export interface CheckpointPlan {
  readonly files: readonly string[];
  /** Paths, or descriptions such as `unet/*.safetensors`, of what is needed but absent. */
  readonly missing: readonly string[];
  /** Components without the asked variant, whose plain weights are planned instead. */
  readonly withoutVariant: readonly string[];
}

const INDEXES = ['model_index.json', 'config.json'] as const;
/** Configs, vocabularies, sentencepiece models, chat templates. */
const SMALL_FILE = /\.(?:json|txt|model|jinja)$/;

/**
 * Finds which files of a checkpoint a pipeline needs: configs, tokenizer files, and the safetensors of the wanted components and
 * variant; nothing in other formats, no other variant.
 *
 * @throws `ERR_ARGUMENT_INVALID` for a component that the checkpoint does not have; `ERR_MODEL_FOLDER_INVALID`;
 *   `ERR_WEIGHTS_NOT_FOUND` where a component has weights only in other formats or in several variants
 */
export async function planCheckpointFiles(source: CheckpointSource, options: PlanOptions): Promise<CheckpointPlan> {
  const { file } = options;
  if (file !== undefined)
    return source.paths.includes(file) ? { ...NOTHING, files: [file] } : { ...NOTHING, missing: [file] };
  const index = INDEXES.filter((name) => source.paths.includes(name)).slice(0, 1);
  if (index.length === 0) return planFolders(source, index, listedFolders(options.components), options);
  await source.fetch(index);
  return planFolders(source, index, chooseFolders(await source.readModelIndex(), options.components), options);
}

/** A folder of the checkpoint to take, and the class of what is in it, where it is known. */
type Folder = readonly [name: string, component: ComponentClass | undefined];

function chooseFolders(index: ModelIndex, choice: ComponentChoice | undefined): readonly Folder[] | undefined {
  if (index.kind === 'model') return [['', { library: libraryOf(index.config), className: index.className }]];
  const present = Object.entries(index.components).filter(
    (entry): entry is [string, ComponentClass] => entry[1] !== null,
  );
  const wanted = typeof choice === 'function' ? choice(index) : choice;
  const unknown = wanted?.find((name) => !present.some(([known]) => known === name));
  if (unknown === undefined) return present.filter(([name]) => wanted?.includes(name) ?? true);
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'components',
    value: unknown,
    expected: `components of this checkpoint: ${present.map(([name]) => name).join(', ')}`,
  });
}

/** Without an index, named subfolders can still be taken. */
function listedFolders(choice: ComponentChoice | undefined): readonly Folder[] | undefined {
  return typeof choice === 'object' ? choice.map((name) => [name, undefined] as const) : undefined;
}

async function planFolders(
  source: CheckpointSource,
  index: readonly string[],
  folders: readonly Folder[] | undefined,
  options: PlanOptions,
): Promise<CheckpointPlan> {
  if (folders === undefined) return { files: [], missing: INDEXES.map((name) => name), withoutVariant: [] };
  const plans: CheckpointPlan[] = [{ files: index, missing: [], withoutVariant: [] }];
  for (const folder of folders) plans.push(await planFolder(source, folder, options));
  return {
    files: [...new Set(plans.flatMap((plan) => plan.files))],
    missing: plans.flatMap((plan) => plan.missing),
    withoutVariant: plans.flatMap((plan) => plan.withoutVariant),
  };
}

async function planFolder(
  source: CheckpointSource,
  [name, component]: Folder,
  { variant, configsOnly }: PlanOptions,
): Promise<CheckpointPlan> {
  const names = source.paths
    .filter((path) => posix.dirname(path) === (name || '.'))
    .map((path) => posix.basename(path));
  const small = names.filter((file) => SMALL_FILE.test(file) && !isWeightFileName(file));
  const required = requiredFiles(component?.className ?? '', small);
  const weights =
    required.weights && configsOnly !== true
      ? await planWeights(source, name, names, { variant, library: component?.library })
      : NOTHING;
  return {
    files: [...small.map((file) => posix.join(name, file)), ...weights.files],
    missing: [...required.missing.map((file) => posix.join(name, file)), ...weights.missing],
    withoutVariant: weights.withoutVariant,
  };
}

const NOTHING: CheckpointPlan = { files: [], missing: [], withoutVariant: [] };

function requiredFiles(
  className: string,
  names: readonly string[],
): { readonly weights: boolean; readonly missing: readonly string[] } {
  const without = (file: string): readonly string[] => (names.includes(file) ? [] : [file]);
  switch (partKind(className)) {
    case 'scheduler':
      return { weights: false, missing: without('scheduler_config.json') };
    case 'tokenizer':
      return { weights: false, missing: hasVocabulary(names) ? [] : ['tokenizer.json'] };
    case 'processor':
      return { weights: false, missing: without('preprocessor_config.json') };
    case 'model':
      return { weights: true, missing: without('config.json') };
  }
}

function hasVocabulary(names: readonly string[]): boolean {
  if (names.some((name) => name === 'tokenizer.json' || name === 'vocab.txt' || name.endsWith('.model'))) return true;
  return names.includes('vocab.json') && names.includes('merges.txt');
}

async function planWeights(
  source: CheckpointSource,
  folder: string,
  names: readonly string[],
  choice: WeightFileChoice,
): Promise<CheckpointPlan> {
  const { weights, ...found } = selectWeightFiles(names, choice);
  if (weights === undefined) {
    const impossible = found.unsupported.length > 0 || found.variants.length > 0;
    if (impossible)
      throw new ThimbleError('ERR_WEIGHTS_NOT_FOUND', { folder: posix.join(source.label, folder), ...found });
    return { ...NOTHING, missing: [posix.join(folder, '*.safetensors')] };
  }
  const path = posix.join(folder, weights.name);
  const withoutVariant = weights.variant === choice.variant ? [] : [folder];
  if (weights.kind === 'single') return { files: [path], missing: [], withoutVariant };
  await source.fetch([path]);
  const { shards } = await source.readShardIndex(path);
  return {
    files: [path, ...shards.filter((shard) => names.includes(shard)).map((shard) => posix.join(folder, shard))],
    missing: shards.filter((shard) => !names.includes(shard)).map((shard) => posix.join(folder, shard)),
    withoutVariant,
  };
}
