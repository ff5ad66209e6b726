import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import { type ComponentCheckpoint, openComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import { openModelIndex } from '../weights/openModelIndex.js';
import { type PartPlace, placeOf } from '../weights/PartPlace.js';
import type { DownloadEvent } from '../weights/hub/downloadSnapshot.js';
import { resolveModel } from '../weights/resolveModel.js';
import { checkDtype, type PipelineDtype, variantOf } from '../weights/PipelineDtype.js';
import type { ModelConfig } from '../fields/ConfigReader.js';
import type { Model } from './Model.js';

/** Options of a model's `fromPretrained`. */
export interface LoadPretrainedOptions {
  /** The model's folder in the checkpoint, such as 'transformer'; none where the checkpoint is that one model. */
  readonly subfolder?: string | undefined;
  /**
   * The type to read weights in, where the checkpoint has several, as with a pipeline's `fromPretrained`. Weights that are there in another type alone are
   * used as they are; the pipeline that takes the model warns of it. What is computed in, the pipeline says.
   */
  readonly dtype?: PipelineDtype | undefined;
  /** Such as 'fp16' for `*.fp16.safetensors`; goes before `dtype`. */
  readonly variant?: string | undefined;
  /** For a file of weights: configs in place of those of the family that its tensors show: a folder, a hub id, or that family's name. */
  readonly config?: string | undefined;
  /** A hub id's branch, tag or commit. */
  readonly revision?: string | undefined;
  /** Never ask the hub, only its cache. */
  readonly localFilesOnly?: boolean | undefined;
  /** Follow links in a folder that lead outside of it. */
  readonly allowSymlinks?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: DownloadEvent) => void) | undefined;
}

const OPTION_NAMES: readonly (keyof LoadPretrainedOptions)[] = [
  'subfolder',
  'dtype',
  'variant',
  'config',
  'revision',
  'localFilesOnly',
  'allowSymlinks',
  'signal',
  'onProgress',
];

/** @throws ERR_ARGUMENT_INVALID for an option that loading does not have, a signal that is none, or another name than a dtype's */
export function checkLoadOptions(options: LoadPretrainedOptions): void {
  checkOptionNames(options, OPTION_NAMES, 'fromPretrained');
  checkDtype(options.dtype);
}

/** A model with its weights, to be put into a pipeline: `fromPretrained(id, { components: { transformer } })`. Holds no memory and no files. */
export interface PretrainedModel<M extends Model = Model> {
  readonly model: M;
  readonly checkpoint: ComponentCheckpoint;
  /** The type that was asked for. */
  readonly dtype?: PipelineDtype | undefined;
}

/** By what it has, because it may come from another copy of the package. */
export function isPretrained(value: unknown): value is PretrainedModel {
  return typeof value === 'object' && value !== null && 'model' in value && 'checkpoint' in value;
}

/**
 * What a model's `fromPretrained` does; `classNames` are those of the class, the usual one first.
 *
 * @throws what resolving and opening throw; ERR_ARGUMENT_INVALID for a model of another class, and what {@link checkLoadOptions} throws
 */
export async function loadPretrained<M extends Model>(
  classNames: string | readonly [string, ...string[]],
  fromConfig: (config: ModelConfig, className: string) => M,
  folderOrId: string,
  options: LoadPretrainedOptions,
): Promise<PretrainedModel<M>> {
  checkLoadOptions(options);
  const { subfolder, dtype, config, ...where } = options;
  const variant = variantOf(options);
  const wanted = {
    ...where,
    ...(variant === undefined ? {} : { variant }),
    ...(subfolder === undefined ? {} : { components: [subfolder] }),
  };
  const known = [classNames].flat() as [string, ...string[]];
  const { folder, file } = await resolveModel(folderOrId, wanted);
  const place =
    file === undefined
      ? { folder: join(folder, subfolder ?? '') }
      : await placeInFile(file, known, { ...where, subfolder, config });
  const checkpoint = await openComponentCheckpoint(place.folder, { variant, ...place });
  const named = checkpoint.className ?? known[0];
  if (!known.includes(named))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: subfolder === undefined ? 'folderOrId' : 'subfolder',
      value: subfolder ?? folderOrId,
      expected: `a ${known.join(' or ')}, not a ${named}`,
    });
  return { model: fromConfig(checkpoint.config, named), checkpoint, dtype };
}

/** The model of one of these classes that a file of weights holds; `subfolder` says its name where there are several. */
async function placeInFile(
  file: string,
  classNames: readonly string[],
  { subfolder, config, localFilesOnly, allowSymlinks, signal, onProgress }: LoadPretrainedOptions,
): Promise<PartPlace> {
  const index = await openModelIndex(file, { config, localFilesOnly, allowSymlinks, signal, onProgress, wanted: [] });
  if (index.kind === 'model') return placeOf(index, '');
  const name = Object.keys(index.components).find(
    (each) =>
      (subfolder === undefined || subfolder === each) &&
      classNames.includes(index.components[each]?.className ?? '') &&
      placeOf(index, each).weights !== undefined,
  );
  if (name !== undefined) return placeOf(index, name);
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: subfolder === undefined ? 'folderOrId' : 'subfolder',
    value: subfolder ?? file,
    expected: `a ${classNames.join(' or ')}, which "${file}" does not hold`,
  });
}
