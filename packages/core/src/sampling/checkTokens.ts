import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { Component } from '../execution/Component.js';

/** Makes sure that a text encoder has every token, which the tokenizer of another model may give. @throws ERR_TOKENIZER_MISMATCH */
export function checkTokens({ name, config, checkpoint }: Component, ids: Tensor): void {
  const vocabulary = Number(config['vocab_size'] ?? Infinity);
  // What is no tensor of ids is refused where the encoder is called.
  if (ids?.type !== 'int64') return;
  for (const id of ids.data as BigInt64Array)
    if (id >= vocabulary)
      throw new ThimbleError('ERR_TOKENIZER_MISMATCH', {
        component: name,
        folder: checkpoint.folder,
        token: Number(id),
        vocabulary,
      });
}
