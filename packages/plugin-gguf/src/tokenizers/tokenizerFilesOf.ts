import { bytePairFiles } from './bytePairFiles.js';
import type { Metadata, TokenizerFiles } from './metadata.js';
import { unigramFiles } from './unigramFiles.js';

/** By `tokenizer.ggml.model`: `gpt2` is byte-pair encoding, such as Qwen's; `t5` sentencepiece's unigram model. */
const KINDS = new Map<unknown, (metadata: Metadata) => Promise<TokenizerFiles>>([
  ['gpt2', bytePairFiles],
  ['t5', unigramFiles],
]);

/** What makes the files of the tokenizer that metadata describe; `undefined` where they describe none, or one of a kind that text encoders of pictures do not have. */
export function tokenizerFilesOf(metadata: Metadata): (() => Promise<TokenizerFiles>) | undefined {
  const make = KINDS.get(metadata['tokenizer.ggml.model']);
  return make && (async () => make(metadata));
}
