import { join } from 'node:path';
import { checkMembers } from '../fields/checkMembers.js';
import { ThimbleError } from '../errors.js';
import { type CheckpointWarning, libraryOf } from './ComponentCheckpoint.js';
import { openCheckpointFile } from './families/CheckpointFile.js';
import { families, familyNamed } from './families/families.js';
import { familyOf } from './families/familyOf.js';
import { indexOfFamily, indexOfFile } from './families/indexOfFile.js';
import { type PlacedPart, placeFromFile } from './families/placePart.js';
import { placeTokenizer } from './families/placeTokenizer.js';
import { placeTokenizerFromFile, placeTokenizerOf } from './families/placeTokenizerFromFile.js';
import { type ModelIndex, readModelIndex } from './ModelIndex.js';
import { resolveModel, type ResolveModelOptions } from './resolveModel.js';

/** Options of {@link openModelIndex}. */
export interface ModelIndexOptions extends ResolveModelOptions {
  /** For a file: its configs, in place of those of the family that it is found to be of. A folder, a hub id, or a family's name. */
  readonly config?: string | undefined;
  /** For a file: what the model predicts. */
  readonly predictionType?: string | undefined;
  /** Files and folders with components, in place of the model's own, by name: paths, hub ids and files on the hub. */
  readonly sources?: Readonly<Record<string, string>> | undefined;
  /** Names of components that come from elsewhere otherwise. */
  readonly given?: readonly string[] | undefined;
  /** Names of the only components that are opened. */
  readonly wanted?: readonly string[] | undefined;
  /** Told what the model itself has, before components from elsewhere are looked for. */
  readonly onIndex?: ((index: ModelIndex) => void) | undefined;
  readonly onWarning?: ((warning: CheckpointWarning) => void) | undefined;
}

/**
 * What a model is: a folder in diffusers' layout or a hub id, by its `model_index.json`; a file of weights, by its tensors or the configs given. Downloads what is wanted of
 * it first.
 *
 * @throws what `resolveModel`, `readModelIndex` and opening files throw; `ERR_CHECKPOINT_UNKNOWN`, `ERR_CHECKPOINT_AMBIGUOUS`, `ERR_CHECKPOINT_OTHER`, `ERR_CHECKPOINT_INCOMPLETE`
 */
export async function openModelIndex(model: string, options: ModelIndexOptions = {}): Promise<ModelIndex> {
  checkMembers('options', options, 'an object, or nothing', []);
  const { sources = {}, given = [], variant, signal, onProgress, cacheDir, localFilesOnly, allowSymlinks } = options;
  const where = { variant, signal, onProgress, cacheDir, localFilesOnly, allowSymlinks };
  const replaced = [...Object.keys(sources), ...given];
  const { folder, file } = await resolveModel(model, {
    ...where,
    revision: options.revision,
    components: options.components,
  });
  if (file === undefined) refuseForFolder(model, options);
  const index = file === undefined ? await readModelIndex(folder) : await indexOf(file, replaced, options);
  if (index.kind === 'model') refuseParts(model, sources);
  options.onIndex?.(index);
  const parts: Record<string, PlacedPart> = {};
  for (const [name, source] of Object.entries(sources))
    Object.assign(parts, await placeParts(name, source, index, where));
  return withParts(index, parts);
}

async function indexOf(path: string, given: readonly string[], options: ModelIndexOptions): Promise<ModelIndex> {
  const file = await openCheckpointFile(path);
  const choice = { wanted: options.wanted, given };
  if (options.config === undefined) {
    const family = familyOf(file, options);
    return indexOfFile(file, indexOfFamily(family, file.path), choice, family);
  }
  return indexOfFile(file, await configsOf(options.config, file.path, options), choice);
}

async function configsOf(config: string, file: string, options: ModelIndexOptions): Promise<ModelIndex> {
  const family = familyNamed(config);
  if (family !== undefined) return indexOfFamily(family, file);
  const { signal, onProgress, cacheDir, localFilesOnly, allowSymlinks } = options;
  const where = { signal, onProgress, cacheDir, localFilesOnly, allowSymlinks };
  const found = await resolveModel(config, { ...where, configsOnly: true });
  if (found.file === undefined) return readModelIndex(found.folder);
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'config',
    value: config,
    expected: `a folder in diffusers' layout, a hub id, or one of ${families.map(({ name }) => name).join(', ')}`,
  });
}

/** @throws ERR_ARGUMENT_INVALID for what only a file has to be told */
function refuseForFolder(model: string, { config }: ModelIndexOptions): void {
  if (config === undefined) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'config',
    value: config,
    expected: `none: "${model}" is a folder, which has configs of its own`,
  });
}

/** @throws ERR_ARGUMENT_INVALID for components beside a single model */
function refuseParts(model: string, sources: Readonly<Record<string, string>>): void {
  const [name] = Object.keys(sources);
  if (name === undefined) return;
  const expected = `none: "${model}" is a single model`;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: `components.${name}`, value: sources[name], expected });
}

/** A part from elsewhere; of a text encoder whose file has a tokenizer that the model lacks, that too. */
async function placeParts(
  name: string,
  source: string,
  model: ModelIndex,
  where: ResolveModelOptions,
): Promise<Readonly<Record<string, PlacedPart>>> {
  const { folder, file } = await resolveModel(source, {
    ...where,
    components: ({ components }) => (components[name] == null ? [] : [name]),
  });
  if (name.startsWith('tokenizer')) {
    const place = file === undefined ? placeTokenizer(name, folder, model) : placeTokenizerFromFile(name, file, model);
    return { [name]: await place };
  }
  if (file === undefined) return { [name]: await placeFromFolder(name, source, folder) };
  return { ...(await placeTokenizerOf(name, file, model)), [name]: await placeFromFile(name, file, model) };
}

async function placeFromFolder(name: string, source: string, folder: string): Promise<PlacedPart> {
  const index = await readModelIndex(folder);
  if (index.kind === 'model')
    return {
      component: { library: libraryOf(index.config), className: index.className },
      place: { folder: index.folder },
    };
  const component = index.components[name];
  if (component != null) return { component, place: { folder: join(index.folder, name) } };
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: `components.${name}`,
    value: source,
    expected: `a ${name}, or a checkpoint that has one; it has ${Object.keys(index.components).join(', ')}`,
  });
}

function withParts(index: ModelIndex, parts: Readonly<Record<string, PlacedPart>>): ModelIndex {
  const entries = Object.entries(parts);
  if (entries.length === 0) return index;
  return {
    ...index,
    components: {
      ...index.components,
      ...Object.fromEntries(entries.map(([name, { component }]) => [name, component])),
    },
    places: { ...index.places, ...Object.fromEntries(entries.map(([name, { place }]) => [name, place])) },
  };
}
