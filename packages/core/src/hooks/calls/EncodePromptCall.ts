import type { Tensor } from 'onnxruntime-common';
import type { Tokenizer } from '../../tokenizers/Tokenizer.js';
import type { Wrapper } from '../engine/Wrapping.js';
import type { ComponentHandle } from './ComponentHandle.js';
import type { RunContext } from './RunContext.js';

/** As many tokens of each prompt as the text encoder takes at once. */
export interface PromptChunk {
  /** The ids, int64 [prompts, tokens]: with start, end and padding. */
  readonly input_ids: Tensor;
  /** 1 for a token of a prompt, 0 for padding, int64 [prompts, tokens]; where the text encoder looks at it. */
  readonly attention_mask?: Tensor;
  /**
   * The vectors that the encoder works on in place of those that it has for the ids, float32 [prompts, tokens, width], as transformers' argument: changed
   * ones, or vectors of words that it does not know. {@link EncodePromptCall.embedTokens} gives the encoder's own.
   */
  readonly inputs_embeds?: Tensor;
}

/** What a text encoder makes of prompts. */
export interface PromptEmbeds {
  /** float32 [prompts, tokens, width]. With several chunks their tokens follow one another. */
  readonly embeds: Tensor;
  /** One vector for each prompt, [prompts, width], where the pipeline uses one; of the first chunk. */
  readonly pooled?: Tensor | undefined;
}

/** One text encoder is to encode the prompts of a run, or the negative prompts. Not called where embeddings were given. */
export interface EncodePromptCall {
  /** The text encoder's name in the pipeline: `text_encoder`. */
  readonly component: string;
  readonly model: ComponentHandle;
  readonly tokenizer: Tokenizer;
  /** Whether these are the negative prompts. */
  readonly negative: boolean;
  /** The texts. Replaceable; their tokens are made when somebody asks for `chunks`, or after the last tap. */
  prompts: readonly string[];
  /** The tokens of `prompts`: one chunk, cut at the encoder's length. Replaceable, also by more chunks; prompts that are replaced later make them anew. */
  chunks: readonly PromptChunk[];
  /** Setting it skips the encoder. */
  embeds?: Tensor | undefined;
  /** What goes with `embeds`, where the pipeline uses it. */
  pooled?: Tensor | undefined;
  readonly run: RunContext;
  readonly signal?: AbortSignal | undefined;
  /** Makes the text encoder's own vectors of ids, int64 [n, tokens] → float32 [n, tokens, width], before positions are added. */
  readonly embedTokens: (input_ids: Tensor) => Promise<Tensor>;
  /** Puts code around the encoding, the first wrapper outermost: it may change chunks and embeddings, and encode other tokens beside them. */
  readonly wrap: (wrapper: Wrapper<readonly PromptChunk[], PromptEmbeds>) => void;
}
