import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { PromptEncoder } from './EncodingCall.js';

/** Makes sure that a text encoder has every token, which the tokenizer of another model may give; those of words that a plugin added it need not have. @throws ERR_TOKENIZER_MISMATCH */
export function checkTokens(
  { encoder: { name, config, checkpoint }, tokenizer }: Pick<PromptEncoder, 'encoder' | 'tokenizer'>,
  ids: Tensor,
): void {
  const vocabulary = Number(config['vocab_size'] ?? Infinity);
  // What is no tensor of ids is refused where the encoder is called.
  if (ids?.type !== 'int64') return;
  for (const id of ids.data as BigInt64Array)
    if (id >= vocabulary && tokenizer.hasAdded?.(Number(id)) !== true)
      throw new ThimbleError('ERR_TOKENIZER_MISMATCH', {
        component: name,
        folder: checkpoint.folder,
        token: Number(id),
        vocabulary,
      });
}
