import type { Tensor } from 'onnxruntime-common';
import type { Component } from '../execution/Component.js';
import type { EncodePromptCall, PromptChunk, PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';

/** A text encoder, and how a pipeline uses it. */
export interface PromptEncoder {
  readonly encoder: Component;
  readonly tokenizer: Tokenizer;
  /** Tokens of a chunk, start and end included. */
  readonly maxLength: number;
  /** Whether the encoder is told which tokens are padding. Default false. */
  readonly masks?: boolean;
  /** Calls the encoder for one chunk and takes the outputs that the pipeline needs. */
  readonly encode: (inputs: NamedTensors, negative: boolean) => Promise<PromptEmbeds>;
}

/** What taps of the `encodePrompt` hook are given: it makes the tokens of its prompts when somebody asks for them. */
export class EncodingCall implements EncodePromptCall {
  readonly component: string;
  readonly model: Component;
  readonly tokenizer: Tokenizer;
  readonly negative: boolean;
  readonly run: EncodePromptCall['run'];
  readonly signal: EncodePromptCall['signal'];
  readonly wrap: EncodePromptCall['wrap'];
  embeds: Tensor | undefined;
  pooled: Tensor | undefined;
  readonly #maxLength: number;
  readonly #masks: boolean;
  #prompts: readonly string[];
  #chunks: readonly PromptChunk[] | undefined;
  #cut = true;

  constructor(
    { encoder, tokenizer, maxLength, masks = false }: PromptEncoder,
    { prompts, negative, run, wrap }: Pick<EncodePromptCall, 'prompts' | 'negative' | 'wrap'> & { run: PipelineRun },
  ) {
    this.component = encoder.name;
    this.model = encoder;
    this.tokenizer = tokenizer;
    this.negative = negative;
    this.run = run.context;
    this.signal = run.signal;
    this.wrap = wrap;
    this.#maxLength = maxLength;
    this.#masks = masks;
    this.#prompts = prompts;
  }

  /** Whether the tokens are those of the prompts, cut at the encoder's length, and not a tap's. */
  get cut(): boolean {
    return this.#cut;
  }

  get prompts(): readonly string[] {
    return this.#prompts;
  }

  set prompts(prompts: readonly string[]) {
    this.#prompts = prompts;
    this.#chunks = undefined;
    this.#cut = true;
  }

  get chunks(): readonly PromptChunk[] {
    this.#chunks ??= [this.#encode()];
    return this.#chunks;
  }

  set chunks(chunks: readonly PromptChunk[]) {
    this.#chunks = chunks;
    this.#cut = false;
  }

  #encode(): PromptChunk {
    const { input_ids, attention_mask } = this.tokenizer.encode(this.#prompts, { maxLength: this.#maxLength });
    return this.#masks ? { input_ids, attention_mask } : { input_ids };
  }

  readonly embedTokens = async (input_ids: Tensor): Promise<Tensor> => {
    const { inputs_embeds } = await this.model.invoke('embed', { input_ids }, { run: this.run, signal: this.signal });
    return inputs_embeds as Tensor;
  };
}
