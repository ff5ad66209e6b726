import { Tensor, type TokenAddition, type Tokenizer } from '@thimble/core';
import type { ComponentHandle, ModelCall, PluginHostPipeline, PromptChunk } from '@thimble/core/plugin';
import type { Inversion, Vectors } from './readInversion.js';
import { TextualInversionError } from './TextualInversionError.js';

/** The words that one text encoder has learned: their tokens are in its tokenizer until this is disposed, and calls of it are given their vectors. */
export class EncoderWords implements Disposable {
  readonly #component: string;
  /** By id. */
  readonly #vectors = new Map<number, Float32Array>();
  readonly #additions: Disposable[] = [];

  private constructor(component: string) {
    this.#component = component;
  }

  /**
   * Adds the words of all inversions to a text encoder and its tokenizer, which takes tokens; or none.
   *
   * @throws ERR_EMBEDDING_WIDTH, ERR_EMBEDDING_TOKEN
   */
  static add(
    component: ComponentHandle,
    inversions: readonly Inversion[],
    { tokenizers }: Pick<PluginHostPipeline, 'tokenizers'>,
  ): EncoderWords {
    const words = new EncoderWords(component.name);
    const chosen = inversions.map((inversion) => ({ inversion, vectors: vectorsFor(component, inversion) }));
    const tokenizer = tokenizerOf(component.name);
    try {
      for (const { inversion, vectors } of chosen) words.#add(inversion, vectors, tokenizer, tokenizers);
    } catch (error) {
      words[Symbol.dispose]();
      throw error;
    }
    return words;
  }

  #add(
    { file, token, count }: Inversion,
    { data, width }: Vectors,
    name: string,
    tokenizers: PluginHostPipeline['tokenizers'],
  ): void {
    const addition = this.#addToken(tokenizers[name] as Tokenizer, token, count, { file, token, tokenizer: name });
    this.#additions.push(addition);
    for (const [i, id] of addition.ids.entries()) this.#vectors.set(id, data.subarray(i * width, (i + 1) * width));
  }

  #addToken(
    tokenizer: Tokenizer,
    token: string,
    count: number,
    about: { readonly file: string; readonly token: string; readonly tokenizer: string },
  ): TokenAddition {
    try {
      return tokenizer.addToken?.(token, count) as TokenAddition;
    } catch (cause) {
      throw new TextualInversionError('ERR_EMBEDDING_TOKEN', about, { cause });
    }
  }

  /** Chunks of a prompt with the vectors of the words in them; `embedTokens` makes those of a chunk's ids, by way of {@link EncoderWords.serve}. */
  async fill(
    chunks: readonly PromptChunk[],
    embedTokens: (ids: Tensor) => Promise<Tensor>,
  ): Promise<readonly PromptChunk[]> {
    const filled: PromptChunk[] = [];
    for (const chunk of chunks)
      filled.push(
        chunk.inputs_embeds === undefined && this.#has(chunk.input_ids)
          ? { ...chunk, inputs_embeds: await embedTokens(chunk.input_ids) }
          : chunk,
      );
    return filled;
  }

  /** Gives a call of this text encoder the vectors of the words in it; others are left alone. */
  async serve(call: ModelCall): Promise<void> {
    const { input_ids: ids, inputs_embeds: given } = call.inputs;
    if (call.component !== this.#component || ids === undefined || given !== undefined || !this.#has(ids)) return;
    if (call.entry === 'embed') {
      call.wrap((next) => async (inputs) => {
        const { inputs_embeds: embeds } = await next({ ...inputs, input_ids: this.#known(ids) });
        return { inputs_embeds: this.#withWords(embeds as Tensor, ids) };
      });
      return;
    }
    if (call.entry !== 'call') return;
    const { run, signal, handle } = call;
    const { inputs_embeds } = await handle.invoke('embed', { input_ids: ids }, { run, signal });
    // The ids stay: the last of them says where the text ends.
    call.inputs = { ...call.inputs, inputs_embeds: inputs_embeds as Tensor };
  }

  [Symbol.dispose](): void {
    for (const addition of this.#additions.splice(0)) addition[Symbol.dispose]();
    this.#vectors.clear();
  }

  #has({ data }: Tensor): boolean {
    return (data as BigInt64Array).some((id) => this.#vectors.has(Number(id)));
  }

  /** The same ids, with one that the encoder knows in the place of each word. */
  #known({ data, dims }: Tensor): Tensor {
    return new Tensor(
      'int64',
      (data as BigInt64Array).map((id) => (this.#vectors.has(Number(id)) ? 0n : id)),
      dims,
    );
  }

  #withWords(embeds: Tensor, { data: ids }: Tensor): Tensor {
    const width = embeds.dims.at(-1) as number;
    const out = (embeds.data as Float32Array).slice();
    for (const [i, id] of (ids as BigInt64Array).entries()) {
      const vector = this.#vectors.get(Number(id));
      if (vector !== undefined) out.set(vector, i * width);
    }
    return new Tensor('float32', out, embeds.dims);
  }
}

/** Those of an inversion that are for a text encoder: by its name, or where it is for any by its width. */
function vectorsFor({ name, model }: ComponentHandle, { file, vectors }: Inversion): Vectors {
  const expected = Number(model.entries['call']?.inputs['inputs_embeds']?.dims[2]);
  const found = vectors.get(name) ?? vectors.get('');
  if (found?.width === expected) return found;
  throw new TextualInversionError('ERR_EMBEDDING_WIDTH', { file, component: name, got: found?.width, expected });
}

/** What the tokenizer of a text encoder is called: `tokenizer_2` of `text_encoder_2`. */
export function tokenizerOf(encoder: string): string {
  return encoder.replace('text_encoder', 'tokenizer');
}
