import { ThimbleError } from '../errors.js';
import type { ChatTemplateOptions } from './ChatTemplate.js';
import { checkPrompt, listPrompts } from './checkTexts.js';
import type { Qwen2EncodeOptions } from './Qwen2Tokenizer.js';
import type { DecodeOptions, EncodedPrompts, EncodeOptions, Tokenizer } from './Tokenizer.js';

/** How a pipeline asks a chat model. */
export interface ChatOptions extends ChatTemplateOptions, Pick<Qwen2EncodeOptions, 'padding'> {
  /** The checkpoint's, for messages. */
  readonly folder: string;
}

/** A tokenizer as pipelines use it whose text encoder is a chat model: each prompt becomes a user's message before it is cut into tokens. */
export class ChatTokenizer implements Tokenizer {
  readonly #tokenizer: Tokenizer & Required<Pick<Tokenizer, 'applyChatTemplate'>>;
  readonly #options: ChatTemplateOptions;
  readonly #padding: Qwen2EncodeOptions;

  /** @throws `ERR_TOKENIZER_UNSUPPORTED` for a tokenizer that knows no templates */
  constructor(tokenizer: Tokenizer, { folder, enableThinking, padding }: ChatOptions) {
    if (!hasTemplate(tokenizer))
      throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', {
        folder,
        tokenizer: tokenizer.constructor.name,
        supported: ['Qwen2Tokenizer'],
      });
    this.#tokenizer = tokenizer;
    this.#options = { enableThinking };
    this.#padding = padding === undefined ? {} : { padding };
  }

  get modelMaxLength(): number {
    return this.#tokenizer.modelMaxLength;
  }

  encode(prompts: string | readonly string[], options: EncodeOptions = {}): EncodedPrompts {
    const texts = listPrompts(prompts).map((prompt) => this.#ask(prompt));
    return this.#tokenizer.encode(texts, { ...options, ...this.#padding });
  }

  truncated(prompt: string, options: EncodeOptions = {}): string | undefined {
    return this.#tokenizer.truncated(this.#ask(checkPrompt(prompt)), options);
  }

  decode(ids: Iterable<number | bigint>, options: DecodeOptions = {}): string {
    return this.#tokenizer.decode(ids, options);
  }

  #ask(prompt: string): string {
    return this.#tokenizer.applyChatTemplate(prompt, this.#options);
  }
}

function hasTemplate(tokenizer: Tokenizer): tokenizer is Tokenizer & Required<Pick<Tokenizer, 'applyChatTemplate'>> {
  return tokenizer.applyChatTemplate !== undefined;
}
