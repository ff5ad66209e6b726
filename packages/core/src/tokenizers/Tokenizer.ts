import type { Tensor } from 'onnxruntime-common';
import type { ChatTemplateOptions } from './ChatTemplate.js';

/** Turns prompts into what a text encoder takes. */
export interface Tokenizer {
  /** How many tokens the text encoder was trained with, start and end included: transformers' `model_max_length`. */
  readonly modelMaxLength: number;

  /**
   * The ids of one or more prompts, padded and cut to the same length, as a pipeline's text encoder wants them.
   *
   * @throws `ERR_ARGUMENT_INVALID` if a prompt is no string, or `maxLength` no length
   */
  encode(prompts: string | readonly string[], options?: EncodeOptions): EncodedPrompts;

  /** The end of `prompt` that {@link Tokenizer.encode} cuts off; undefined if all of it fits. Worth a warning. */
  truncated(prompt: string, options?: EncodeOptions): string | undefined;

  /**
   * The text of `ids`.
   *
   * @throws `ERR_ARGUMENT_INVALID` if there is no token with such an id
   */
  decode(ids: Iterable<number | bigint>, options?: DecodeOptions): string;

  /**
   * Adds a token that stands for words that the text encoder does not know, with ids of its own from the end of the vocabulary on: `count` of them, which it becomes where it is written as
   * here, also within a word; in other cases it is the first alone, as in diffusers. Its parts are `token_1`, `token_2`, … Of tokenizers that can.
   *
   * @returns the ids; disposing it takes the token out again
   * @throws `ERR_ARGUMENT_INVALID` for a token that the tokenizer has already
   */
  addToken?(token: string, count?: number): TokenAddition;

  /** Whether an id is that of a token which was added by `addToken`, and whose vector somebody else has. */
  hasAdded?(id: number): boolean;

  /** What a chat model is to read where a user says `prompt`; of tokenizers that have a template for it. */
  applyChatTemplate?(prompt: string, options?: ChatTemplateOptions): string;
}

/** A token that was added to a tokenizer, until it is disposed. */
export interface TokenAddition extends Disposable {
  /** In the order of its parts. */
  readonly ids: readonly number[];
}

/** Options of {@link Tokenizer.encode}. */
export interface EncodeOptions {
  /** The length to pad and to cut to; {@link Tokenizer.modelMaxLength} if not given. */
  readonly maxLength?: number | undefined;
}

/** Options of {@link Tokenizer.decode}. */
export interface DecodeOptions {
  /** Leave out start, end and padding. */
  readonly skipSpecialTokens?: boolean | undefined;
}

/** What {@link Tokenizer.encode} gives: two int64 tensors [N, L], named as the text encoder names them. */
export interface EncodedPrompts {
  readonly input_ids: Tensor;
  /** 1 for a token of the prompt, start and end included, 0 for padding. */
  readonly attention_mask: Tensor;
}

/** A class of tokenizers. */
export interface TokenizerClass {
  /**
   * Reads the tokenizer of a checkpoint.
   *
   * @param folder the checkpoint's folder of that name, such as `tokenizer_2`
   * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`; `ERR_TOKENIZER_FILE` if a file is damaged; `ERR_TOKENIZER_UNSUPPORTED` if it is a tokenizer of another class
   */
  fromPretrained(folder: string): Tokenizer | Promise<Tokenizer>;
}
