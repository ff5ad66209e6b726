import type { ChatTemplateOptions } from './ChatTemplate.js';
import { checkPrompt, listPrompts } from './checkTexts.js';
import type { Qwen2EncodeOptions, Qwen2Tokenizer } from './Qwen2Tokenizer.js';
import type { DecodeOptions, EncodedPrompts, EncodeOptions, Tokenizer } from './Tokenizer.js';

/** How a pipeline asks a chat model. */
export type ChatOptions = ChatTemplateOptions & Pick<Qwen2EncodeOptions, 'padding'>;

/** A tokenizer as pipelines use it whose text encoder is a chat model: each prompt becomes a user's message before it is cut into tokens. */
export class ChatTokenizer implements Tokenizer {
  readonly #tokenizer: Qwen2Tokenizer;
  readonly #options: ChatOptions;

  constructor(tokenizer: Qwen2Tokenizer, options: ChatOptions) {
    this.#tokenizer = tokenizer;
    this.#options = options;
  }

  get modelMaxLength(): number {
    return this.#tokenizer.modelMaxLength;
  }

  encode(prompts: string | readonly string[], options: EncodeOptions = {}): EncodedPrompts {
    const texts = listPrompts(prompts).map((prompt) => this.#ask(prompt));
    return this.#tokenizer.encode(texts, { ...options, padding: this.#options.padding });
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
