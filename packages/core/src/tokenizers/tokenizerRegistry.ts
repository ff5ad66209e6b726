import { CLIPTokenizer } from './CLIPTokenizer.js';
import { T5Tokenizer } from './T5Tokenizer.js';
import type { TokenizerClass } from './Tokenizer.js';

/** The tokenizers that thimble has, by transformers' class names. */
export const tokenizerRegistry: Readonly<Record<string, TokenizerClass>> = {
  CLIPTokenizer,
  CLIPTokenizerFast: CLIPTokenizer,
  T5Tokenizer,
  T5TokenizerFast: T5Tokenizer,
};
