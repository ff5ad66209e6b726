import { Tensor } from 'onnxruntime-common';
import { concatBatch, splitBatch } from '../execution/batch.js';
import { refuseOption } from '../fields/refuseOption.js';
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
import { guide, limitNorm } from '../sampling/guidance.js';
import { prepareRun, type SamplingRun } from '../sampling/prepareRun.js';
import { checkPreviews, previewOf } from '../sampling/previewOf.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { checkPictureOptions } from '../sampling/starts/readPictures.js';
import { type Beginning, beginRun, type StrengthDefaults } from '../sampling/starts/startOf.js';
import { warnOfNegative } from '../sampling/warnOfNegative.js';
import { mapTensor } from '../schedulers/numeric/tensors.js';
import { ChatTokenizer } from '../tokenizers/ChatTokenizer.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import type { DenoiserInput } from '../sampling/starts/denoiserInput.js';
import { ImagePipeline } from './ImagePipeline.js';
import { namesOf } from './namesOf.js';
import { openAs } from './openAs.js';
import { fieldsForMultiple, zImageFields, type ZImageValues } from './ZImageOptions.js';

/** What the model was trained for, in pixels. */
const SIDE = 1024;
/** diffusers'. */
const STRENGTHS: StrengthDefaults = { image: 0.6, mask: 1 };

type ZImageRun = Beginning &
  SamplingRun<ZImageValues & { readonly width: number; readonly height: number; readonly timesteps: undefined }>;

/** The embeddings of a run's captions, [tokens, width] each, of lengths of their own. */
interface Captions {
  readonly positive: readonly Tensor[];
  /** As many, with guidance. */
  readonly negative: readonly Tensor[];
}

/**
 * Z-Image, from text, from a picture, and from a picture and a mask: Qwen3 reads the prompt as a user's message, and one stream of tokens holds image and caption (source: diffusers
 * pipelines/z_image).
 */
export class ZImagePipeline extends ImagePipeline<typeof zImageFields, ZImageRun> {
  /** Its names in diffusers where it begins with pictures. */
  static readonly aliases = ['ZImageImg2ImgPipeline', 'ZImageInpaintPipeline'];
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = zImageFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends ZImagePipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs(namesOf({ ZImagePipeline: this }), folderOrId, options);
  }

  protected get fields(): typeof zImageFields {
    return fieldsForMultiple(this.multiple);
  }

  override get calls(): RunCalls {
    const layers = Number(this.components['text_encoder']?.config['num_hidden_layers']);
    const outputs = Number.isInteger(layers) ? [`hidden_states.${layers - 1}`] : undefined;
    return { ...plainCalls, guidedAbove: 0, encoderOutputs: () => outputs };
  }

  protected override async read(options: ZImageValues): Promise<Pictures | undefined> {
    return this.readPictures(options);
  }

  protected prepare(prompt: Prompt, options: ZImageValues, pictures?: Pictures): ZImageRun {
    const {
      image,
      outputType,
      promptEmbeds,
      negativePromptEmbeds,
      guidanceScale,
      numInferenceSteps,
      sigmas,
      previews,
    } = options;
    const encodes = promptEmbeds === undefined || (guidanceScale > 0 && negativePromptEmbeds === undefined);
    this.require('transformer', (outputType !== 'latent' || image !== undefined) && 'vae', encodes && 'text_encoder');
    this.require(previews !== false && previews !== 'tiny' && 'vae');
    checkPreviews(previews, this.components, this.denoiserInput.channels);
    checkPictureOptions(options, this.denoiserInput);
    checkNegative(options);
    const { scheduler } = this;
    const { width = SIDE, height = SIDE } = pictures ?? options;
    // Negative embeddings may have another number of tokens, which is for nobody else to judge.
    const own = { ...options, width, height, timesteps: undefined, negativePromptEmbeds: undefined };
    const levels = sigmas ?? flowSigmas(numInferenceSteps as number);
    const prepared = prepareRun(scheduler, prompt, own, { sigmas: levels });
    const run = beginRun(prepared, { scheduler, pictures, strengths: STRENGTHS, rounding: 'up' });
    if (pictures !== undefined || image === undefined) checkLatents(options.latents, this.latentDims(run.options));
    return { ...run, options: { ...run.options, negativePromptEmbeds } };
  }

  protected override async checkRoom(prepared: ZImageRun, signal: AbortSignal): Promise<void> {
    await checkPictureRoom(this, prepared, {
      denoiser: this.transformer,
      denoiserSizes: (latentHeight, latentWidth) => ({ latentHeight, latentWidth }),
      scaleFactor: this.vaeScaleFactor,
      multiple: this.multiple,
      signal,
    });
  }

  protected async *sample(prepared: ZImageRun, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const { options, noise } = prepared;

    // 1. Prompts become captions: embeddings of as many tokens as each has
    if (options.guidanceScale === 0) warnOfNegative(options, (code, message) => this.warn(code, message));
    const captions = yield* run.timed('encodePrompt', this.#captions(prepared, run));

    // 2. Noise, or what else there is to begin with
    const start = yield* run.timed('encodeImage', this.start(prepared, run));

    // 3. The transformer predicts the image minus the noise, of which the scheduler takes the reverse
    const predict = async (latents: Tensor, timestep: number): Promise<Tensor> => {
      const time = Math.fround((1000 - timestep) / 1000);
      const scale = time > options.cfgTruncation ? 0 : options.guidanceScale;
      return this.#predict(latents, time, { captions, scale, normalization: Number(options.cfgNormalization) }, run);
    };
    const preview = await previewOf(options.previews, this.components, run);
    const latents = yield* denoise(run, { scheduler, start, predict, generator: noise.generator, preview });

    // 4. Latents become pictures
    return yield* this.finish(prepared, latents, run);
  }

  protected get size(): readonly [width: number, height: number] {
    return [SIDE, SIDE];
  }

  /** Pixels of a patch, on each side. */
  protected override get multiple(): number {
    const patch = this.components['transformer']?.config['all_patch_size'];
    return this.vaeScaleFactor * Number(Array.isArray(patch) ? patch[0] : 2);
  }

  protected get denoiserInput(): DenoiserInput {
    return { channels: Number(this.component('transformer').config['in_channels'] ?? 16), fillsIn: false };
  }

  async #captions({ options }: ZImageRun, run: PipelineRun): Promise<Captions> {
    const { prompts, negativePrompts, promptEmbeds, negativePromptEmbeds, guidanceScale } = options;
    const each = async (texts: readonly string[], given: Tensor | undefined, negative: boolean): Promise<Tensor[]> => {
      const captions =
        given === undefined ? await this.#encode(texts, negative, options, run) : splitBatch(given).map(rowsOf);
      return captions.flatMap((caption) => Array.from({ length: options.numImagesPerPrompt }, () => caption));
    };
    return {
      positive: await each(prompts, promptEmbeds, false),
      negative: guidanceScale > 0 ? await each(negativePrompts, negativePromptEmbeds, true) : [],
    };
  }

  /** One by one and without padding, which nobody would read; equal texts once. What is read is the output of the last layer but one. */
  async #encode(
    texts: readonly string[],
    negative: boolean,
    { maxSequenceLength: maxLength }: ZImageValues,
    run: PipelineRun,
  ): Promise<readonly Tensor[]> {
    const encoder = this.component('text_encoder');
    const [state] = this.calls.encoderOutputs(encoder.name) as readonly [string];
    const tokenizer = new ChatTokenizer(this.tokenizerOf('text_encoder'), {
      folder: this.folder,
      enableThinking: true,
      padding: 'longest',
    });
    const encode: PromptEncoder['encode'] = async (inputs) => {
      const { [state]: embeds } = await encoder.call(inputs, { ...run.callOptions, outputs: [state] });
      return { embeds: embeds as Tensor };
    };
    const captions = new Map<string, Tensor>();
    for (const text of new Set(texts)) {
      const { embeds } = await encodePrompt(run, { encoder, tokenizer, maxLength, encode }, [text], negative);
      captions.set(text, rowsOf(embeds));
    }
    return texts.map((text) => captions.get(text) as Tensor);
  }

  /** Noise minus image, guidance applied; with it both halves of the batch are one call. */
  async #predict(
    latents: Tensor,
    time: number,
    {
      captions: { positive, negative },
      scale,
      normalization,
    }: { captions: Captions; scale: number; normalization: number },
    { callOptions }: PipelineRun,
  ): Promise<Tensor> {
    const guided = scale > 0;
    const batch = guided ? concatBatch([latents, latents]) : latents;
    const [n, ...sides] = batch.dims as [number, ...number[]];
    const [channels, ...size] = sides as [number, ...number[]];
    const captions = guided ? [...positive, ...negative] : positive;
    const inputs = {
      x: new Tensor('float32', batch.data as Float32Array, [n, channels, 1, ...size]),
      t: new Tensor('float32', Float32Array.of(time), [1]),
      ...Object.fromEntries(captions.map((caption, i) => [`cap_feats.${i}`, caption])),
    };
    const { sample } = await this.component('transformer').call(inputs, callOptions);
    const samples = splitBatch(new Tensor('float32', sample?.data as Float32Array, batch.dims));
    const withPrompt = concatBatch(samples.slice(0, positive.length));
    if (!guided) return mapTensor(withPrompt, (value) => -value);
    // The scale counts from the prediction with the prompt on: 1 is not without guidance.
    const prediction = guide(withPrompt, concatBatch(samples.slice(positive.length)), -scale);
    const limited = normalization > 0 ? limitNorm(prediction, withPrompt, normalization) : prediction;
    return mapTensor(limited, (value) => -value);
  }
}

/** [1, tokens, width] → [tokens, width]. */
function rowsOf({ data, dims }: Tensor): Tensor {
  return new Tensor('float32', data as Float32Array, dims.slice(1));
}

/** @throws ERR_ARGUMENT_INVALID for embeddings of other prompts than the run has */
function checkNegative({ promptEmbeds, negativePromptEmbeds: negative }: ZImageValues): void {
  if (promptEmbeds === undefined || negative === undefined) return;
  const [prompts, , width] = promptEmbeds.dims;
  if (negative.dims[0] === prompts && negative.dims[2] === width) return;
  refuseOption('negativePromptEmbeds', negative.dims, `[${prompts}, tokens, ${width}], as promptEmbeds has`);
}
