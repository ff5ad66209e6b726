import { join } from 'node:path';
import type { JsonObject } from '../disk/readJsonFile.js';
import { checkMembers } from '../fields/checkMembers.js';
import { checkPath } from '../fields/checkPath.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { TensorView } from './TensorView.js';

/** Weights that lie in a file of their own, or in one with others. */
export interface PlacedWeights {
  /** Real path. */
  readonly file: string;
  /** By diffusers' keys. */
  readonly tensors: ReadonlyMap<string, TensorView>;
}

/** Where a part of a model lies, where that is not its folder in the checkpoint's. */
export interface PartPlace {
  /** Its folder; of a part that has none, the file with its weights. */
  readonly folder: string;
  /** Its config, in place of the one in the folder. */
  readonly config?: JsonObject;
  /** Its weights, in place of those in the folder. */
  readonly weights?: PlacedWeights;
  /** Of a tokenizer of CLIP's, which comes with thimble: what it pads with. */
  readonly padToken?: string;
  /** Of a tokenizer that lies in the metadata of its text encoder's file, which `folder` is: makes the files of a folder, by name. */
  readonly tokenizerFiles?: () => Promise<ReadonlyMap<string, string>>;
}

/** Where a part of a model lies; `name` is its name in `model_index.json`, or '' for a single model. */
export function placeOf(
  index: { readonly folder: string; readonly places?: Readonly<Record<string, PartPlace>> },
  name: string,
): PartPlace {
  checkMembers('index', index, 'the index of a model', ['folder']);
  const { folder, places } = index;
  checkPath('folder', folder, 'the path of a folder');
  if (typeof name !== 'string') refuseOption('name', name, 'the name of a part');
  return places?.[name] ?? { folder: join(folder, name) };
}
