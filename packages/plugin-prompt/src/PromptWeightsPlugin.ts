import { type Plugin, Tensor } from '@thimble/core';
import { choiceField, type OptionsOf } from '@thimble/core/model';
import {
  type ComponentHandle,
  type EncodePromptCall,
  type PluginContext,
  type PromptChunk,
  readOptions,
  type RunContext,
} from '@thimble/core/plugin';
import { chunkTokens, type WeightedToken } from './chunkTokens.js';
import { parseLoraTags } from './parseLoraTags.js';
import { parsePromptWeights } from './parsePromptWeights.js';
import { lorasOf, PROMPT_LORAS } from './promptLoras.js';
import { PromptError } from './PromptError.js';
import { textsOfRun } from './textsOfRun.js';
import { type Emphasis, weighTokens } from './weighTokens.js';

const FIELDS = {
  /**
   * What becomes of the mean of weighted embeddings: as in AUTOMATIC1111 it is restored (`original`), or not (`no-norm`), which some prefer for SDXL.
   */
  emphasis: choiceField<Emphasis>('original', ['original', 'no-norm']),
};

/** Options of a {@link PromptWeightsPlugin}. */
export type PromptWeightsOptions = OptionsOf<typeof FIELDS>;

/** Brackets that AUTOMATIC1111 reads as a change of the prompt on the way: `[a:b:0.5]`, `[a|b]`. */
const EDITING = /\[[^[\]]*(?:\|[^[\]]*|:[^[\]]*:\s*[\d.]+\s*)\]/u;

/**
 * Reads prompts in the syntax of AUTOMATIC1111, see {@link parsePromptWeights}: words weigh more or less, and prompts may be of any length. A prompt becomes chunks of 75 tokens, each of which the
 * text encoder reads for itself; their embeddings follow one another, and the prompts of a run, negative ones included, get as many chunks as the longest one has. The pooled embedding of SDXL is
 * that of the first chunk, and weighs nothing. For UNets that are conditioned on CLIP: Stable Diffusion 1, 2 and XL; others read their prompts as they are.
 *
 * Source: AUTOMATIC1111's stable-diffusion-webui, modules/prompt_parser.py, sd_hijack_clip.py, sd_emphasis.py.
 */
export class PromptWeightsPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:prompt-weights';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #emphasis: Emphasis;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
  constructor(options: PromptWeightsOptions = {}) {
    this.#emphasis = readOptions(options, FIELDS, 'PromptWeightsPlugin').emphasis;
  }

  apply({ hooks, pipeline, getAll }: PluginContext): void {
    const warned = Symbol(this.name);
    const warn = (run: RunContext, code: string, message: string): void => {
      if (run.state.has(warned)) return;
      run.state.set(warned, true);
      pipeline.warn(code, message);
    };
    hooks.beforeRun.tap(this.name, async (run) => {
      const { prompts, all } = textsOfRun(run, pipeline.components['unet']);
      const loras = lorasOf(prompts);
      const services = getAll(PROMPT_LORAS);
      if (loras.length > 0 && services.length === 0)
        throw new PromptError('ERR_PROMPT_LORA', { names: loras.map(({ name }) => name) });
      for (const service of services) await service.use(loras, run);
      const editing = all.find((text) => EDITING.test(text));
      if (editing !== undefined)
        warn(
          run,
          'WARN_PROMPT_EDITING',
          `Brackets weigh what they hold, they do not change the prompt on the way: "${EDITING.exec(editing)?.[0]}"`,
        );
    });
    hooks.encodePrompt.tap(this.name, (call) => {
      const { unet } = pipeline.components;
      if (unet !== undefined && isClip(call.model)) return this.#read(call, unet);
      if (call.prompts.some(hasSyntax))
        warn(
          call.run,
          'WARN_PROMPT_WEIGHTS',
          `${call.component} reads prompts as they are: weights are for models with a UNet and CLIP.`,
        );
    });
  }

  #read(call: EncodePromptCall, unet: ComponentHandle): void {
    const { tokenizer } = call;
    const length = call.chunks[0]?.input_ids.dims[1] as number;
    const read = (text: string): readonly (readonly WeightedToken[])[] =>
      chunkTokens(parsePromptWeights(parseLoraTags(text).prompt), tokenizer, length - 2);
    const { all, givenTokens } = textsOfRun(call.run, unet);
    const rows = call.prompts.map(read);
    const count = Math.max(
      Math.floor(givenTokens / length),
      ...[...all.map(read), ...rows].map((chunks) => chunks.length),
    );
    const marks = tokenizer.encode('', { maxLength: length }).input_ids.data as BigInt64Array;
    call.chunks = Array.from({ length: count }, (_, i) =>
      chunkOf(
        rows.map((chunks) => chunks[i] ?? []),
        marks,
      ),
    );
    const weights = rows.flatMap((chunks) =>
      Array.from({ length: count }, (_, i) => weightsOf(chunks[i] ?? [], length)).flat(),
    );
    if (weights.every((weight) => weight === 1)) return;
    call.wrap((next) => async (chunks) => {
      const { embeds, pooled } = await next(chunks);
      return { embeds: weighTokens(embeds, { weights, length, emphasis: this.#emphasis }), pooled };
    });
  }
}

function isClip({ model }: ComponentHandle): boolean {
  return model.className.startsWith('CLIPTextModel');
}

function hasSyntax(prompt: string): boolean {
  const [[only, ...pieces] = [], ...lines] = parsePromptWeights(prompt);
  return lines.length > 0 || pieces.length > 0 || (only?.weight ?? 1) !== 1;
}

/** A chunk of each prompt, with start, end and padding around, as `marks` has them around nothing. */
function chunkOf(rows: readonly (readonly WeightedToken[])[], marks: BigInt64Array): PromptChunk {
  const [start, ...padding] = marks;
  const ids = rows.flatMap((tokens) =>
    [start as bigint, ...tokens.map(({ id }) => id), ...padding].slice(0, marks.length),
  );
  return { input_ids: new Tensor('int64', BigInt64Array.from(ids), [rows.length, marks.length]) };
}

function weightsOf(tokens: readonly WeightedToken[], length: number): readonly number[] {
  return Array.from({ length }, (_, i) => tokens[i - 1]?.weight ?? 1);
}
