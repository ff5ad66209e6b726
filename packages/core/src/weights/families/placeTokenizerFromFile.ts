import { stat } from 'node:fs/promises';
import { refuseOption } from '../../fields/refuseOption.js';
import { openTensorFile } from '../files/openTensorFile.js';
import type { ModelIndex } from '../ModelIndex.js';
import { placeOf } from '../PartPlace.js';
import type { PlacedPart } from './placePart.js';
import { ANY_TOKENIZER } from './placeTokenizer.js';

/**
 * The tokenizer that a text encoder's file has in its metadata, in place of a model's own.
 *
 * @throws `ERR_ARGUMENT_INVALID` for a file without one; what opening the file throws
 */
export async function placeTokenizerFromFile(name: string, path: string, model: ModelIndex): Promise<PlacedPart> {
  return (await tokenizerIn(name, path, model)) ?? refuseOption(`components.${name}`, path, 'a file with a tokenizer');
}

/**
 * The tokenizer of a text encoder that comes from a file, out of that file, where the model has none on disk.
 *
 * @param encoder its name, such as `text_encoder_2`
 * @returns by its name; nothing where the model has its own, and where the file has none
 * @throws what opening the file throws
 */
export async function placeTokenizerOf(
  encoder: string,
  path: string,
  model: ModelIndex,
): Promise<Readonly<Record<string, PlacedPart>>> {
  const name = encoder.replace('text_encoder', 'tokenizer');
  if (name === encoder || model.components[name] == null || (await isThere(placeOf(model, name).folder))) return {};
  const part = await tokenizerIn(name, path, model);
  return part === undefined ? {} : { [name]: part };
}

async function tokenizerIn(name: string, path: string, { components }: ModelIndex): Promise<PlacedPart | undefined> {
  const { path: folder, tokenizerFiles } = await openTensorFile(path);
  return tokenizerFiles && { component: components[name] ?? ANY_TOKENIZER, place: { folder, tokenizerFiles } };
}

async function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}
