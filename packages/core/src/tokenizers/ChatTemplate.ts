import { ThimbleError } from '../errors.js';

/** What a template is told beside the messages. */
export interface ChatTemplateOptions {
  /** Whether the model may think before it answers: transformers' `enable_thinking`. What nobody says is left to the template. */
  readonly enableThinking?: boolean | undefined;
}

/** What a compiled template can do. */
interface Renderer {
  render: (context: Record<string, unknown>) => string;
}

/** The Jinja template that turns a conversation into the text that a model was trained to read (source: transformers utils/chat_template_utils.py). */
export class ChatTemplate {
  readonly #file: string;
  readonly #template: Renderer;

  private constructor(file: string, template: Renderer) {
    this.#file = file;
    this.#template = template;
  }

  /**
   * Compiles a template. The engine is loaded only where a tokenizer has one.
   *
   * @param file where it stands, for messages
   * @throws `ERR_TOKENIZER_FILE` for a text that is no template
   */
  static async compile(file: string, source: string): Promise<ChatTemplate> {
    const { Template } = await import('@huggingface/jinja');
    try {
      return new ChatTemplate(file, new Template(source));
    } catch (cause) {
      throw templateError(file, cause);
    }
  }

  /** One message of a user, and the beginning of the answer. @throws `ERR_TOKENIZER_FILE` for a template that cannot be worked out */
  render(prompt: string, { enableThinking }: ChatTemplateOptions = {}): string {
    try {
      return this.#template.render({
        messages: [{ role: 'user', content: prompt }],
        add_generation_prompt: true,
        ...(enableThinking === undefined ? {} : { enable_thinking: enableThinking }),
      });
    } catch (cause) {
      throw templateError(this.#file, cause);
    }
  }
}

function templateError(file: string, cause: unknown): ThimbleError {
  const problem = `its chat template cannot be worked out: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new ThimbleError('ERR_TOKENIZER_FILE', { file, problem }, { cause });
}
