import { checkPath } from '../fields/checkPath.js';
import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { readTokenizerObject } from './readTokenizerFile.js';
import type { Tokenizer, TokenizerClass } from './Tokenizer.js';
import { tokenizerRegistry } from './tokenizerRegistry.js';

/** Classes of transformers for tokenizers of every kind, which say nothing of this one. */
const GENERAL = ['TokenizersBackend', 'PreTrainedTokenizerFast', 'PreTrainedTokenizer'];

/**
 * Reads the tokenizer of a checkpoint, of the class that `model_index.json` names, whatever its `tokenizer_config.json` says (source: diffusers
 * pipelines/pipeline_loading_utils.py, `load_sub_model`). Where nobody has that class, as with `AutoTokenizer`, the config's is taken.
 *
 * @param folder a checkpoint's `tokenizer` folder
 * @param className its class in `model_index.json`; without one the config's, or else CLIP's
 * @param registry the classes to choose from
 * @throws what the class's `fromPretrained` throws; `ERR_TOKENIZER_UNSUPPORTED` if there is no such class
 */
export async function createTokenizer(
  folder: string,
  className?: string,
  registry: Readonly<Record<string, TokenizerClass>> = tokenizerRegistry,
): Promise<Tokenizer> {
  checkPath('folder', folder, "the path of a tokenizer's folder");
  const { tokenizer_class: own } = await readTokenizerObject(join(folder, 'tokenizer_config.json'));
  const names =
    className === undefined
      ? [GENERAL.includes(own as string) ? 'CLIPTokenizer' : (own ?? 'CLIPTokenizer')]
      : [className, own];
  const name = names.find((named) => typeof named === 'string' && Object.hasOwn(registry, named));
  if (name !== undefined) return registry[name as string]!.fromPretrained(folder);
  throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', {
    folder,
    tokenizer: className ?? own,
    supported: Object.keys(registry),
  });
}
