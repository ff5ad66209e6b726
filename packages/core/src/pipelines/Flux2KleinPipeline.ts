import { Tensor } from 'onnxruntime-common';
import { repeatBatch } from '../execution/batch.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { PlainImage } from '../images/ImageParts.js';
import { samplesOfImages } from '../images/samplesOfImages.js';
import type { GenerateResult, Prompt } from '../run/GenerateOptions.js';
import { plainCalls, type RunCalls } from '../extension/RunCalls.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { checkPictureRoom } from '../sampling/checkPictureRoom.js';
import { denoise } from '../sampling/denoise.js';
import { encodePrompt } from '../sampling/encodePrompt.js';
import type { PromptEncoder } from '../sampling/EncodingCall.js';
import { flowSigmas } from '../sampling/flowSigmas.js';
import { flux2Mu } from '../sampling/flux2Mu.js';
import { gridIds, joinTokens, packTokens, textIds, unpackTokens } from '../sampling/gridTokens.js';
import { guide } from '../sampling/guidance.js';
import { joinEncodings } from '../sampling/joinEncodings.js';
import { prepareRun, type SamplingRun } from '../sampling/prepareRun.js';
import type { Preview } from '../sampling/Preview.js';
import { checkPreviews, previewOf } from '../sampling/previewOf.js';
import { checkImageCount, referenceImages } from '../sampling/referenceImages.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import { forResults } from '../sampling/starts/encodeImages.js';
import type { LatentDims } from '../sampling/starts/fromImage.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { checkPictureOptions } from '../sampling/starts/readPictures.js';
import type { Start } from '../sampling/starts/Start.js';
import { type Beginning, beginRun, type StrengthDefaults } from '../sampling/starts/startOf.js';
import { warnOfNegative } from '../sampling/warnOfNegative.js';
import { withNegative } from '../sampling/withNegative.js';
import { ChatTokenizer } from '../tokenizers/ChatTokenizer.js';
import { flux2KleinFields, type Flux2KleinValues } from './Flux2KleinOptions.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import type { DenoiserInput } from '../sampling/starts/denoiserInput.js';
import { ImagePipeline } from './ImagePipeline.js';
import { namesOf } from './namesOf.js';
import { openAs } from './openAs.js';

const SIDE = 1024;
/** Latents of a token, on each side. */
const PATCH = 2;
/** Along the first axis each picture lies this far behind the one before. */
const APART = 10;

/** diffusers'. */
const STRENGTHS: StrengthDefaults = { image: 0.8, mask: 0.8 };

/** The pictures of a run. */
interface KleinPictures {
  /** What it looks at. */
  readonly references: readonly PlainImage[];
  /** What it begins with. */
  readonly pictures: Pictures | undefined;
}

type Flux2KleinRun = Beginning &
  SamplingRun<Flux2KleinValues & { readonly width: number; readonly height: number; readonly timesteps: undefined }> & {
    readonly references: readonly PlainImage[];
  };

/** Tokens beside those of the picture that is made, and where they are. */
interface Tokens {
  readonly states: Tensor;
  readonly ids: Tensor;
}

/**
 * FLUX.2 klein, from text, from text with pictures to look at, from a picture, and from a picture and a mask: Qwen3 reads the prompt, and the tokens of what is looked at follow those of the
 * picture that is made (source: diffusers pipelines/flux2/pipeline_flux2_klein.py and those of img2img and inpainting beside it). Latents after a step are packed, [n, tokens, channels].
 */
export class Flux2KleinPipeline extends ImagePipeline<typeof flux2KleinFields, Flux2KleinRun, KleinPictures> {
  /** Its names in diffusers where it begins with pictures. */
  static readonly aliases = ['Flux2KleinImg2ImgPipeline', 'Flux2KleinInpaintPipeline'];
  /** The options of `generate`. */
  static readonly optionFields = flux2KleinFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends Flux2KleinPipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs(namesOf({ Flux2KleinPipeline: this }), folderOrId, options);
  }

  /** Whether guidance was distilled into the model, so that it has no effect. */
  get isDistilled(): boolean {
    return this.index.config['is_distilled'] === true;
  }

  override get calls(): RunCalls {
    const layers = Number(this.components['text_encoder']?.config['num_hidden_layers'] ?? 0);
    const read = flux2KleinFields.textEncoderOutLayers.default.filter((layer) => layer <= layers);
    const outputs = read.length === 0 ? undefined : layerOutputs(read);
    const guidedAbove = this.isDistilled ? Infinity : plainCalls.guidedAbove;
    return { guidedAbove, apart: true, encoderOutputs: () => outputs };
  }

  protected get fields(): typeof flux2KleinFields {
    return flux2KleinFields;
  }

  protected override async read(options: Flux2KleinValues): Promise<KleinPictures> {
    const warn = (code: string, message: string): void => this.warn(code, message);
    const { image, imageReference } = options;
    const begins = beginsWith(options);
    const given = Object.entries({ ...(begins ? {} : { image }), imageReference });
    const references: PlainImage[] = [];
    for (const [name, images] of given)
      if (images !== undefined) references.push(...(await referenceImages(name, images, this.multiple, warn)));
    checkImageCount('imageReference', references);
    if (!begins) return { references, pictures: undefined };
    return { references, pictures: await this.readPictures(options) };
  }

  protected prepare(prompt: Prompt, values: Flux2KleinValues, read?: KleinPictures): Flux2KleinRun {
    this.#check(values);
    const { image, sigmas } = values;
    const { references = [], pictures } = read ?? {};
    const { width = references[0]?.width ?? SIDE, height = references[0]?.height ?? SIDE } = pictures ?? values;
    const steps = (sigmas?.length ?? values.numInferenceSteps) as number;
    const mu = flux2Mu((width / this.multiple) * (height / this.multiple), steps);
    // What is only looked at is nothing to begin with.
    const start = beginsWith(values) ? image : undefined;
    const options = { ...values, width, height, timesteps: undefined, image: start };
    const { scheduler } = this;
    const prepared = prepareRun(scheduler, prompt, options, { sigmas: sigmas ?? flowSigmas(steps), mu });
    const run = beginRun(prepared, { scheduler, pictures, strengths: STRENGTHS, rounding: 'up' });
    if (image === undefined || read !== undefined) checkLatents(values.latents, this.latentDims(run.options));
    const seen = references.map((picture) => ({ width: picture.width, height: picture.height, isReference: true }));
    // What a mask leaves of a picture is looked at, too.
    const begun = run.encodes.map((picture) => ({ ...picture, isReference: pictures?.mask !== undefined }));
    return { ...run, references, encodes: [...seen, ...begun], options: { ...run.options, image } };
  }

  protected override async checkRoom(prepared: Flux2KleinRun, signal: AbortSignal): Promise<void> {
    const { options, references, pictures } = prepared;
    const { image, imageReference, maxSequenceLength: textTokens } = options;
    // How large pictures are that it looks at is known once they are read.
    if ((image ?? imageReference) !== undefined && references.length === 0 && pictures === undefined) return;
    const looksAt = [...references, ...(pictures?.mask === undefined ? [] : [options])];
    const looked = looksAt.reduce((sum, { width, height }) => sum + (width * height) / this.multiple ** 2, 0);
    const made = { options: { ...options, image: pictures && image }, pictures };
    await checkPictureRoom(this, made, {
      denoiser: this.transformer,
      denoiserSizes: (latentHeight, latentWidth) => ({
        tokens: (latentHeight * latentWidth) / PATCH ** 2 + looked,
        textTokens,
      }),
      scaleFactor: this.vaeScaleFactor,
      multiple: this.multiple,
      signal,
    });
  }

  protected async *sample(prepared: Flux2KleinRun, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const { options, noise } = prepared;
    const [transformer, vae] = [this.component('transformer'), this.component('vae')];
    const dims = this.latentDims(options);
    const [, , rows, columns] = dims;

    // 1. The prompt becomes embeddings, of the padding too; the negative one beside it where there is guidance
    const guided = this.#isGuided(options);
    if (!guided) this.#warnOfNegative(options);
    const { embeds } = yield* run.timed(
      'encodePrompt',
      withNegative(options, guided, async (negative) =>
        this.#encode(negative ? options.negativePrompts : options.prompts, negative, options, run),
      ),
    );
    const [negative, positive] = guided ? halves(embeds) : [undefined, embeds];
    const text = textIds(embeds.dims[1] as number);

    // 2. Noise, or what else there is to begin with, one token for each place; and behind it what there is to look at
    const { start, looked } = yield* run.timed('encodeImage', this.#beginning(prepared, run));

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
    const decoded = async (packed: Tensor): Promise<Tensor> => {
      const unpacked = unpackTokens(packed, rows, columns);
      return (await vae.invoke('denormalize', { latents: unpacked }, run.callOptions))['z'] as Tensor;
    };
    const drawn = await previewOf(options.previews, this.components, run);
    const preview: Preview | undefined = drawn && { draw: async (latents) => drawn.draw(await decoded(latents)) };
    const last = yield* denoise(run, { scheduler, start, predict, generator: noise.generator, preview });

    // 4. Tokens become latents, and those a picture
    return yield* this.finish(prepared, await decoded(last), run);
  }

  protected get size(): readonly [width: number, height: number] {
    return [SIDE, SIDE];
  }

  /** Pixels of a token, on each side. */
  protected override get latentScale(): number {
    return PATCH * this.vaeScaleFactor;
  }

  #isGuided({ guidanceScale }: Pick<Flux2KleinValues, 'guidanceScale'>): boolean {
    return guidanceScale > this.calls.guidedAbove;
  }

  /** What can be known before pictures are read. @throws ERR_COMPONENT_MISSING, ERR_ARGUMENT_INVALID */
  #check(values: Flux2KleinValues): void {
    const { image, promptEmbeds, negativePromptEmbeds, textEncoderOutLayers: layers, previews } = values;
    const encodes = promptEmbeds === undefined || (this.#isGuided(values) && negativePromptEmbeds === undefined);
    this.require('transformer', 'vae', encodes && 'text_encoder');
    checkPreviews(previews, this.components, this.denoiserInput.channels / PATCH ** 2);
    checkPictureOptions(values, this.denoiserInput);
    checkImageCount('image', image);
    const most = Number(this.components['text_encoder']?.config['num_hidden_layers'] ?? Infinity);
    if (layers.some((layer) => layer > most))
      refuseOption('textEncoderOutLayers', layers, `layers of the text encoder, which has ${most}`);
  }

  protected get denoiserInput(): DenoiserInput {
    return { channels: Number(this.component('transformer').config['in_channels'] ?? 128), fillsIn: false };
  }

  #warnOfNegative(options: Flux2KleinValues): void {
    const reason = this.isDistilled ? 'guidance was distilled into the model' : undefined;
    warnOfNegative(options, (code, message) => this.warn(code, message), reason);
  }

  /** The outputs of several layers side by side. The padding's are computed too: the transformer attends to it. */
  async #encode(
    texts: readonly string[],
    negative: boolean,
    { maxSequenceLength: maxLength, textEncoderOutLayers: layers }: Flux2KleinValues,
    run: PipelineRun,
  ): Promise<{ embeds: Tensor }> {
    const encoder = this.component('text_encoder');
    const outputs = layerOutputs(layers);
    const tokenizer = new ChatTokenizer(this.tokenizerOf('text_encoder'), {
      folder: this.folder,
      enableThinking: false,
    });
    const encode: PromptEncoder['encode'] = async (inputs) => {
      const states = await encoder.call(inputs, { ...run.callOptions, outputs });
      return joinEncodings(outputs.map((name) => ({ embeds: states[name] as Tensor })));
    };
    return encodePrompt(run, { encoder, tokenizer, maxLength, encode, masks: true }, texts, negative);
  }

  /** Where denoising begins, packed, and what the transformer looks at: with a mask the picture itself too. */
  async #beginning(
    prepared: Flux2KleinRun,
    run: PipelineRun,
  ): Promise<{ readonly start: Start; readonly looked: Tokens | undefined }> {
    const { options, pictures, references } = prepared;
    const { callOptions } = run;
    const dims = this.latentDims(options);
    const seen: Tensor[] = [];
    for (const image of references) seen.push(await this.#encodeImage(samplesOfImages([image]), callOptions));
    const own = pictures && (pictures.image.latents ?? (await this.#encodeImage(pictures.image.pixels(), callOptions)));
    const begun = pictures && { ...pictures, image: { ...pictures.image, latents: own } };
    const start = await this.start({ ...prepared, pictures: begun }, run);
    const looked = tokensOf(
      [...(own !== undefined && pictures?.mask !== undefined ? [forResults(own, dims[0])] : []), ...seen],
      dims[0],
    );
    return { start: packedStart(start, dims), looked };
  }

  /** Pixels in [-1, 1] as latents at the transformer's scale, [n, 4c, h, w]: the means of what the VAE gives. */
  async #encodeImage(x: Tensor, options: PipelineRun['callOptions']): Promise<Tensor> {
    const vae = this.component('vae');
    const { moments } = await vae.encode({ x }, options);
    return (await vae.invoke('normalize', { z: meansOf(moments) }, options))['latents'] as Tensor;
  }
}

/** Whether a run begins with `image`, and does not only look at it. */
function beginsWith({ image, strength, maskImage }: Flux2KleinValues): boolean {
  return image !== undefined && (strength !== undefined || maskImage !== undefined);
}

/** Pictures to look at, [1 or n, 4c, h, w] each, as tokens for each of `count` results. */
function tokensOf(latents: readonly Tensor[], count: number): Tokens | undefined {
  if (latents.length === 0) return undefined;
  const ids = latents.map(({ dims: [, , rows, columns] }, i) =>
    gridIds(rows as number, columns as number, APART * (i + 1)),
  );
  const states = latents.map((each) => packTokens(each.dims[0] === count ? each : repeatBatch(each, count)));
  return { states: joinTokens(states), ids: joinTokens(ids) };
}

/** What the text encoder calls the outputs of layers. */
function layerOutputs(layers: readonly number[]): readonly string[] {
  return layers.map((layer) => `hidden_states.${layer}`);
}

/** A start of latents as one of tokens. */
function packedStart({ latents, beginIndex, afterStep }: Start, [, , rows, columns]: LatentDims): Start {
  const start = { latents: packTokens(latents), beginIndex };
  if (afterStep === undefined) return start;
  return {
    ...start,
    afterStep: async (made, next) => packTokens(await afterStep(unpackTokens(made, rows, columns), next)),
  };
}

/** The means of distributions, [n, 2c, h, w] → [n, c, h, w]. */
function meansOf({ data, dims }: Tensor): Tensor {
  const [n, channels, ...sides] = dims as [number, number, ...number[]];
  const half = data.length / n / 2;
  const means = new Float32Array(n * half);
  for (let i = 0; i < n; i++) means.set((data as Float32Array).subarray(2 * i * half, (2 * i + 1) * half), i * half);
  return new Tensor('float32', means, [n, channels / 2, ...sides]);
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
