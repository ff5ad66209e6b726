import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { refuseOption } from '../../fields/refuseOption.js';
import type { ModelIndex } from '../ModelIndex.js';
import type { PlacedPart } from './placePart.js';

/** Any of them is in every tokenizer's folder. */
const FILES = ['tokenizer_config.json', 'tokenizer.json', 'vocab.json', 'spiece.model'];
/** Leaves it to the tokenizer's own config. */
export const ANY_TOKENIZER = { library: 'transformers', className: 'AutoTokenizer' } as const;

/**
 * A tokenizer in place of a model's own, or for a model that has none: its folder, or that of a checkpoint in which one of this name lies.
 *
 * @throws `ERR_ARGUMENT_INVALID` for a folder without a tokenizer
 */
export async function placeTokenizer(name: string, folder: string, { components }: ModelIndex): Promise<PlacedPart> {
  for (const place of [join(folder, name), folder])
    for (const file of FILES) {
      const found = await stat(join(place, file)).catch(() => undefined);
      if (found?.isFile() === true) return { component: components[name] ?? ANY_TOKENIZER, place: { folder: place } };
    }
  return refuseOption(
    `components.${name}`,
    folder,
    'the folder of a tokenizer, or of a checkpoint that has one of this name',
  );
}
