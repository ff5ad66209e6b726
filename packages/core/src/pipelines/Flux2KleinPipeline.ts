import { Tensor } from 'onnxruntime-common';
import { repeatBatch } from '../execution/batch.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { Image } from '../images/Image.js';
import type { PlainImage } from '../images/ImageParts.js';
import { samplesOfImages } from '../images/samplesOfImages.js';
import { drawNoise } from '../random/drawNoise.js';
import type { GenerateResult, Prompt } from '../run/GenerateOptions.js';
import { Pipeline } from '../run/Pipeline.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { assertFinite } from '../sampling/assertFinite.js';
import { decodeImages } from '../sampling/decodeImages.js';
import { denoise } from '../sampling/denoise.js';
import { encodePrompt } from '../sampling/encodePrompt.js';
import type { PromptEncoder } from '../sampling/EncodingCall.js';
import { flowSigmas } from '../sampling/flowSigmas.js';
import { flux2Mu } from '../sampling/flux2Mu.js';
import { gridIds, joinTokens, packTokens, textIds, unpackTokens } from '../sampling/gridTokens.js';
import { guide } from '../sampling/guidance.js';
import { imageResult } from '../sampling/imageResult.js';
import { joinEncodings } from '../sampling/joinEncodings.js';
import { prepareRun, type SamplingRun } from '../sampling/prepareRun.js';
import { referenceImages } from '../sampling/referenceImages.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import { fromNoise } from '../sampling/starts/fromNoise.js';
import { vaeScaleFactor } from '../sampling/vaeScaleFactor.js';
import { withNegative } from '../sampling/withNegative.js';
import { ChatTokenizer } from '../tokenizers/ChatTokenizer.js';
import { flux2KleinFields, type Flux2KleinValues } from './Flux2KleinOptions.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { openAs } from './openAs.js';

const SIDE = 1024;
/** Along the first axis each picture lies this far behind the one before. */
const APART = 10;

/** What a run looks at. */
type References = readonly PlainImage[];

type Flux2KleinRun = SamplingRun<
  Flux2KleinValues & {
    readonly width: number;
    readonly height: number;
    readonly timesteps: undefined;
    readonly negativePrompt: undefined;
  }
> & { readonly references: References };

/** Tokens beside those of the picture that is made, and where they are. */
interface Tokens {
  readonly states: Tensor;
  readonly ids: Tensor;
}

/**
 * FLUX.2 klein, from text, and from text with pictures to look at: Qwen3 reads the prompt, and the pictures' tokens follow those of the one that is made (source: diffusers
 * pipelines/flux2/pipeline_flux2_klein.py). Latents after a step are packed, [n, tokens, channels].
 */
export class Flux2KleinPipeline extends Pipeline<typeof flux2KleinFields, Flux2KleinRun, References> {
  /** The options of `generate`. */
  static readonly optionFields = flux2KleinFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends Flux2KleinPipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs({ Flux2KleinPipeline: this }, folderOrId, options);
  }

  /** Whether guidance was distilled into the model, so that it has no effect. */
  get isDistilled(): boolean {
    return this.index.config['is_distilled'] === true;
  }

  protected get fields(): typeof flux2KleinFields {
    return flux2KleinFields;
  }

  protected override async read({ image }: Flux2KleinValues): Promise<References> {
    if (image === undefined) return [];
    return referenceImages(image, this.#multiple, (code, message) => this.warn(code, message));
  }

  protected prepare(prompt: Prompt, values: Flux2KleinValues, references: References = []): Flux2KleinRun {
    const { image, promptEmbeds, negativePromptEmbeds, sigmas, textEncoderOutLayers: layers } = values;
    const encodes = promptEmbeds === undefined || (this.#isGuided(values) && negativePromptEmbeds === undefined);
    this.require('transformer', 'vae', encodes && 'text_encoder');
    const most = Number(this.components['text_encoder']?.config['num_hidden_layers'] ?? Infinity);
    if (layers.some((layer) => layer > most))
      refuseOption('textEncoderOutLayers', layers, `layers of the text encoder, which has ${most}`);
    const { width = references[0]?.width ?? SIDE, height = references[0]?.height ?? SIDE, numInferenceSteps } = values;
    const options = { ...values, width, height, timesteps: undefined, negativePrompt: undefined };
    const steps = (sigmas?.length ?? numInferenceSteps) as number;
    const mu = flux2Mu((width / this.#multiple) * (height / this.#multiple), steps);
    const run = prepareRun(this.scheduler, prompt, options, { sigmas: flowSigmas(steps), mu });
    if (image === undefined || references.length > 0) checkLatents(values.latents, this.#latentDims(run.options));
    return { ...run, references };
  }

  protected async *sample(prepared: Flux2KleinRun, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const { options, references, noise } = prepared;
    const [transformer, vae] = [this.component('transformer'), this.component('vae')];
    const dims = this.#latentDims(options);
    const [count, , rows, columns] = dims as [number, number, number, number];

    // 1. The prompt becomes embeddings, of the padding too; an empty one beside it where there is guidance
    const guided = this.#isGuided(options);
    const { embeds } = yield* run.timed(
      'encodePrompt',
      withNegative(options, guided, async (negative) =>
        this.#encode(negative ? options.negativePrompts : options.prompts, options, run),
      ),
    );
    const [negative, positive] = guided ? halves(embeds) : [undefined, embeds];
    const text = textIds(embeds.dims[1] as number);

    // 2. Noise, one token for each place, and behind it what there is to look at
    const unit = options.latents ?? (await drawNoise(noise.generator, dims, run.signal));
    checkLatents(unit, dims);
    const packed = packTokens(unit);
    const start = fromNoise({ scheduler, generator: noise.generator, dims: packed.dims, latents: packed });
    const looked = yield* run.timed('encodeImage', this.#tokensOf(references, count, run));

    // 3. The transformer predicts noise minus picture, for the picture's tokens alone
    const tokens = rows * columns;
    const img_ids = joinTokens([gridIds(rows, columns, 0), ...(looked === undefined ? [] : [looked.ids])]);
    const ask = async (latents: Tensor, timestep: number, encoder_hidden_states: Tensor): Promise<Tensor> => {
      const hidden_states = looked === undefined ? latents : joinTokens([latents, looked.states]);
      const time = new Tensor('float32', Float32Array.of(timestep / 1000), [1]);
      const inputs = { hidden_states, encoder_hidden_states, timestep: time, img_ids, txt_ids: text };
      const { sample } = await transformer.call(inputs, run.callOptions);
      return firstTokens(sample as Tensor, tokens);
    };
    const predict = async (latents: Tensor, timestep: number): Promise<Tensor> => {
      const withPrompt = await ask(latents, timestep, positive);
      if (negative === undefined) return withPrompt;
      return guide(await ask(latents, timestep, negative), withPrompt, options.guidanceScale);
    };
    const last = yield* denoise(run, { scheduler, start, predict, generator: noise.generator });

    // 4. Tokens become latents, and those a picture
    const unpacked = unpackTokens(last, rows, columns);
    const { z: latents } = await vae.invoke('denormalize', { latents: unpacked }, run.callOptions);
    return yield* imageResult(run, {
      latents: latents as Tensor,
      options,
      seeds: noise.seeds,
      vae,
      source: { scheduler, folder: this.folder },
    });
  }

  /** Turns latents as `outputType: 'latent'` gives them, [n, c, h, w], into images, through the same hooks. */
  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Image[]> {
    checkOptionNames(options, ['signal'], 'decodeLatents');
    assertFinite(latents, 'given to decodeLatents');
    return decodeImages(this.component('vae'), latents, options);
  }

  /** Pixels of a token, on each side. */
  get #multiple(): number {
    return 2 * vaeScaleFactor(this.components['vae']?.config);
  }

  #isGuided({ guidanceScale }: Pick<Flux2KleinValues, 'guidanceScale'>): boolean {
    return guidanceScale > 1 && !this.isDistilled;
  }

  #latentDims({
    count,
    height,
    width,
  }: Pick<Flux2KleinRun['options'], 'count' | 'height' | 'width'>): readonly number[] {
    const channels = Number(this.component('transformer').config['in_channels'] ?? 128);
    return [count, channels, height / this.#multiple, width / this.#multiple];
  }

  /** The outputs of several layers side by side. The padding's are computed too: the transformer attends to it. */
  async #encode(
    texts: readonly string[],
    { maxSequenceLength: maxLength, textEncoderOutLayers: layers }: Flux2KleinValues,
    run: PipelineRun,
  ): Promise<{ embeds: Tensor }> {
    const encoder = this.component('text_encoder');
    const outputs = layers.map((layer) => `hidden_states.${layer}`);
    const tokenizer = new ChatTokenizer(this.tokenizerOf('text_encoder'), {
      folder: this.folder,
      enableThinking: false,
    });
    const encode: PromptEncoder['encode'] = async (inputs) => {
      const states = await encoder.call(inputs, { ...run.callOptions, outputs });
      return joinEncodings(outputs.map((name) => ({ embeds: states[name] as Tensor })));
    };
    return encodePrompt(run, { encoder, tokenizer, maxLength, encode, masks: true }, texts, false);
  }

  /** The tokens of pictures, the same for each result. */
  async #tokensOf(references: References, count: number, { callOptions }: PipelineRun): Promise<Tokens | undefined> {
    if (references.length === 0) return undefined;
    const vae = this.component('vae');
    const states: Tensor[] = [];
    const ids: Tensor[] = [];
    for (const [i, image] of references.entries()) {
      const { moments } = await vae.encode({ x: samplesOfImages([image]) }, callOptions);
      const { latents } = await vae.invoke('normalize', { z: meansOf(moments) }, callOptions);
      const [, , rows, columns] = (latents as Tensor).dims as [number, number, number, number];
      states.push(packTokens(latents as Tensor));
      ids.push(gridIds(rows, columns, APART * (i + 1)));
    }
    return { states: repeatBatch(joinTokens(states), count), ids: joinTokens(ids) };
  }
}

/** The means of a distribution, [n, 2c, h, w] → [n, c, h, w], of one picture. */
function meansOf({ data, dims }: Tensor): Tensor {
  const [n, channels, ...sides] = dims as [number, number, ...number[]];
  return new Tensor('float32', (data as Float32Array).slice(0, data.length / 2), [n, channels / 2, ...sides]);
}

/** The first tokens of each sample, [n, tokens, width]. */
function firstTokens(x: Tensor, tokens: number): Tensor {
  const [n, all, width] = x.dims as [number, number, number];
  if (all === tokens) return x;
  const data = new Float32Array(n * tokens * width);
  for (let i = 0; i < n; i++)
    data.set((x.data as Float32Array).subarray(i * all * width, (i * all + tokens) * width), i * tokens * width);
  return new Tensor('float32', data, [n, tokens, width]);
}

/** The two halves of a batch; views, no copies. */
function halves({ data, dims }: Tensor): readonly [Tensor, Tensor] {
  const [n = 2, ...rest] = dims;
  const middle = data.length / 2;
  const half = (start: number): Tensor =>
    new Tensor('float32', (data as Float32Array).subarray(start, start + middle), [n / 2, ...rest]);
  return [half(0), half(middle)];
}
