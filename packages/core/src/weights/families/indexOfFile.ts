import { ThimbleError } from '../../errors.js';
import type { ComponentClass, ModelIndex } from '../ModelIndex.js';
import { type PartPlace, placeOf } from '../PartPlace.js';
import { isPassedOver, partKind } from '../partKind.js';
import type { CheckpointFile, FilePart } from './CheckpointFile.js';
import { fitsIn } from './detectFamily.js';
import type { FamilyPart, ModelFamily } from './ModelFamily.js';

/** What a file is opened with beside its family or configs. */
export interface FileChoice {
  /** Names of the components that are opened; all unless told. */
  readonly wanted?: readonly string[] | undefined;
  /** Names of components that come from elsewhere. */
  readonly given: readonly string[];
}

/** The index of a family, as `model_index.json` and the configs beside it would say it. */
export function indexOfFamily({ className, fields, parts, optional }: ModelFamily, folder: string): ModelIndex {
  const entries = Object.entries(parts);
  return {
    folder,
    kind: 'pipeline',
    className,
    components: Object.fromEntries(entries.map(([name, part]) => [name, part && classOf(part)])),
    config: fields,
    ...(optional && { optional }),
    places: Object.fromEntries(
      entries.flatMap(([name, part]) => (part === null ? [] : [[name, placeFor(part, folder)]])),
    ),
  };
}

/** A pipeline, or single model, of a file: the index of its configs with the file's weights in their places. @throws `ERR_CHECKPOINT_INCOMPLETE`, `ERR_ARGUMENT_INVALID` for configs of something else */
export function indexOfFile(
  file: CheckpointFile,
  configs: ModelIndex,
  choice: FileChoice,
  family?: ModelFamily,
): ModelIndex {
  const { path, parts, unused } = file;
  if (configs.kind === 'model') return singleModel(file, configs);
  const named = parts.flatMap((part) => {
    const name = family === undefined ? part.component : fitsIn(part, family)[0]?.name;
    return name === undefined || configs.components[name] == null ? [] : [[name, part] as const];
  });
  if (named.length === 0) throw otherConfigs(file, configs);
  const places = Object.fromEntries(Object.keys(configs.components).map((name) => [name, placeOf(configs, name)]));
  for (const [name, part] of named) places[name] = withWeights(places[name] as PartPlace, part);
  const [only] = named;
  if (named.length === 1 && only !== undefined && choice.given.length === 0) {
    const [name] = only;
    const { className } = configs.components[name] as ComponentClass;
    return {
      folder: path,
      kind: 'model',
      className,
      components: {},
      config: {},
      places: { '': places[name] as PartPlace },
      unused,
    };
  }
  const has = named.map(([name]) => name);
  const { optional = [] } = configs;
  const left = optional.filter((name) => !has.includes(name)).map((name) => [name, null] as const);
  const whole = { ...configs, components: { ...configs.components, ...Object.fromEntries(left) } };
  checkComplete(file, whole, choice, has);
  return { ...whole, folder: path, places, unused };
}

/** The config with what only the weights say. */
export function withWeights(place: PartPlace, { file, tensors }: FilePart): PartPlace {
  const guidance = tensors.get('time_embedding.cond_proj.weight')?.shape[1];
  const { config } = place;
  const adapted =
    config === undefined || guidance === undefined ? {} : { config: { ...config, time_cond_proj_dim: guidance } };
  return { ...place, ...adapted, weights: { file, tensors } };
}

/** Where a part of a family lies: nowhere, but that its config is known. */
export function placeFor({ config, padToken }: FamilyPart, folder: string): PartPlace {
  return { folder, ...(config && { config }), ...(padToken !== undefined && { padToken }) };
}

export function classOf({ library, className }: FamilyPart): ComponentClass {
  return { library, className };
}

function singleModel(file: CheckpointFile, configs: ModelIndex): ModelIndex {
  const kind = kindOfClass(configs.className);
  const part = file.parts.find(({ component }) => component.startsWith(kind));
  if (part === undefined) throw otherConfigs(file, configs);
  const place = withWeights({ folder: configs.folder, config: configs.config }, part);
  return { ...configs, folder: file.path, places: { '': place }, unused: file.unused };
}

/** What components of a class are called. */
function kindOfClass(className: string): string {
  if (className.startsWith('UNet')) return 'unet';
  if (className.includes('Transformer')) return 'transformer';
  return className.startsWith('Autoencoder') ? 'vae' : 'text_encoder';
}

function otherConfigs({ path, parts }: CheckpointFile, configs: ModelIndex): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'config',
    value: configs.folder,
    expected: `configs of what "${path}" holds: ${parts.map(({ component }) => component).join(', ')}; not of a ${configs.className}`,
  });
}

/** @throws `ERR_CHECKPOINT_INCOMPLETE` naming the models that neither the file has nor anybody gives */
function checkComplete(
  { path }: CheckpointFile,
  { className, components }: ModelIndex,
  { wanted, given }: FileChoice,
  has: readonly string[],
): void {
  const needed = Object.entries(components).flatMap(([name, component]) =>
    component !== null && partKind(component.className) === 'model' && !isPassedOver(component.className) ? [name] : [],
  );
  const missing = needed.filter(
    (name) => !has.includes(name) && !given.includes(name) && (wanted?.includes(name) ?? true),
  );
  if (missing.length > 0) throw new ThimbleError('ERR_CHECKPOINT_INCOMPLETE', { file: path, className, has, missing });
}
