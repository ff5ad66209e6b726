import { CLIPTokenizer } from './CLIPTokenizer.js';
import { Qwen2Tokenizer } from './Qwen2Tokenizer.js';
import { T5Tokenizer } from './T5Tokenizer.js';
import type { TokenizerClass } from './Tokenizer.js';

/** The tokenizers that thimble has, by transformers' class names. */
export const tokenizerRegistry: Readonly<Record<string, TokenizerClass>> = {
  CLIPTokenizer,
  CLIPTokenizerFast: CLIPTokenizer,
  Qwen2Tokenizer,
  Qwen2TokenizerFast: Qwen2Tokenizer,
  T5Tokenizer,
  T5TokenizerFast: T5Tokenizer,
};
