import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { readTokenizerObject } from './readTokenizerFile.js';
import type { Tokenizer, TokenizerClass } from './Tokenizer.js';
import { tokenizerRegistry } from './tokenizerRegistry.js';

/**
 * Reads the tokenizer of a checkpoint, of the class that its `tokenizer_config.json` names, or else of `className`.
 *
 * @param folder a checkpoint's `tokenizer` folder
 * @param className its class in `model_index.json`
 * @param registry the classes to choose from
 * @throws what the class's `fromPretrained` throws; `ERR_TOKENIZER_UNSUPPORTED` if there is no such class
 */
export async function createTokenizer(
  folder: string,
  className: string = 'CLIPTokenizer',
  registry: Readonly<Record<string, TokenizerClass>> = tokenizerRegistry,
): Promise<Tokenizer> {
  const { tokenizer_class: own } = await readTokenizerObject(join(folder, 'tokenizer_config.json'));
  // A class of its own often has a general one in its config, such as PreTrainedTokenizerFast.
  const name = [own, className].find((named) => typeof named === 'string' && Object.hasOwn(registry, named));
  if (name !== undefined) return registry[name as string]!.fromPretrained(folder);
  throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', {
    folder,
    tokenizer: own ?? className,
    supported: Object.keys(registry),
  });
}
