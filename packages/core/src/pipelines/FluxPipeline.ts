import { Tensor } from 'onnxruntime-common';
import { sliceBatch } from '../execution/batch.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import type { GenerateResult, Prompt } from '../run/GenerateOptions.js';
import { plainCalls, type RunCalls } from '../extension/RunCalls.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { calculateShift } from '../sampling/calculateShift.js';
import { checkPictureRoom } from '../sampling/checkPictureRoom.js';
import { denoise } from '../sampling/denoise.js';
import { encodePrompt } from '../sampling/encodePrompt.js';
import { flowSigmas } from '../sampling/flowSigmas.js';
import { packPatches, patchIds, unpackPatches } from '../sampling/gridTokens.js';
import { guide } from '../sampling/guidance.js';
import { prepareRun, type SamplingRun } from '../sampling/prepareRun.js';
import { checkPreviews, previewOf } from '../sampling/previewOf.js';
import { checkPooled, type SecondTexts, secondTexts } from '../sampling/secondTexts.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { checkPictureOptions } from '../sampling/starts/readPictures.js';
import { type Beginning, beginRun, type StrengthDefaults } from '../sampling/starts/startOf.js';
import { warnOfNegative } from '../sampling/warnOfNegative.js';
import { withNegative } from '../sampling/withNegative.js';
import { fieldsForTokens, fluxFields, type FluxValues } from './FluxOptions.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import type { DenoiserInput } from '../sampling/starts/denoiserInput.js';
import { ImagePipeline } from './ImagePipeline.js';
import { namesOf } from './namesOf.js';
import { openAs } from './openAs.js';

/** What the model was trained for, in pixels. */
const SIDE = 1024;
/** diffusers'. */
const STRENGTHS: StrengthDefaults = { image: 0.6, mask: 0.6 };
/** Latents of a token, on each side. */
const PATCH = 2;

/** CLIP and T5. */
const ENCODERS = ['text_encoder', 'text_encoder_2'] as const;

type FluxRun = Beginning &
  SamplingRun<
    FluxValues & SecondTexts & { readonly width: number; readonly height: number; readonly timesteps: undefined }
  >;

/** The embeddings of a prompt for each result: T5's [n, tokens, width], CLIP's pooled ones [n, width]. */
interface Condition {
  readonly embeds: Tensor;
  readonly pooled: Tensor;
}

/**
 * FLUX.1, schnell and dev, from text, from a picture, and from a picture and a mask: CLIP's pooled output and T5's tokens tell the transformer what to show (source: diffusers pipelines/flux).
 */
export class FluxPipeline extends ImagePipeline<typeof fluxFields, FluxRun> {
  /** Its names in diffusers where it begins with pictures. */
  static readonly aliases = ['FluxImg2ImgPipeline', 'FluxInpaintPipeline'];
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = fluxFields;
  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends FluxPipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs(namesOf({ FluxPipeline: this }), folderOrId, options);
  }

  protected get fields(): typeof fluxFields {
    return fieldsForTokens(this.multiple);
  }

  /** The guidance scale is a condition, and no second pass. */
  override get calls(): RunCalls {
    return { ...plainCalls, guidedAbove: Infinity, apart: true };
  }

  protected override async read(options: FluxValues): Promise<Pictures | undefined> {
    return this.readPictures(options);
  }

  protected prepare(prompt: Prompt, options: FluxValues, pictures?: Pictures): FluxRun {
    const { image, outputType, promptEmbeds, negativePromptEmbeds, numInferenceSteps, sigmas, previews } = options;
    const encodes = promptEmbeds === undefined || (isGuided(options) && negativePromptEmbeds === undefined);
    const usesVae = outputType !== 'latent' || image !== undefined || (previews !== false && previews !== 'tiny');
    this.require('transformer', usesVae && 'vae', ...(encodes ? ENCODERS : []));
    if (encodes) for (const name of ENCODERS) this.tokenizerOf(name);
    checkPreviews(previews, this.components, this.denoiserInput.channels);
    checkPictureOptions(options, this.denoiserInput);
    checkPooled(options);
    const { scheduler } = this;
    const { width = SIDE, height = SIDE } = pictures ?? options;
    const steps = (sigmas?.length ?? numInferenceSteps) as number;
    const mu = calculateShift((width / this.multiple) * (height / this.multiple), scheduler.config);
    const settings = { sigmas: flowSigmas(steps), ...(mu === undefined ? {} : { mu }) };
    const prepared = prepareRun(scheduler, prompt, { ...options, width, height, timesteps: undefined }, settings);
    const run = beginRun(prepared, { scheduler, pictures, strengths: STRENGTHS, rounding: 'up' });
    if (pictures !== undefined || image === undefined) checkLatents(options.latents, this.latentDims(run.options));
    return { ...run, options: { ...run.options, ...secondTexts(run.options, 2) } };
  }

  protected override async checkRoom(prepared: FluxRun, signal: AbortSignal): Promise<void> {
    await checkPictureRoom(this, prepared, {
      denoiser: this.transformer,
      denoiserSizes: (latentHeight, latentWidth) => ({
        tokens: (latentHeight / PATCH) * (latentWidth / PATCH),
        textTokens: prepared.options.maxSequenceLength,
      }),
      scaleFactor: this.vaeScaleFactor,
      multiple: this.multiple,
      signal,
    });
  }

  protected async *sample(prepared: FluxRun, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const { options, noise } = prepared;

    // 1. The prompt becomes embeddings, and the negative one where there is one
    this.#warnOfUnused(options);
    const conditions = yield* run.timed('encodePrompt', this.#conditions(options, run));

    // 2. Noise, or what else there is to begin with
    const start = yield* run.timed('encodeImage', this.start(prepared, run));

    // 3. The transformer predicts noise minus picture, token by token
    const predict = async (latents: Tensor, timestep: number): Promise<Tensor> => {
      const [withPrompt, negative] = conditions;
      const prediction = await this.#predict(latents, timestep, withPrompt, prepared, run);
      if (negative === undefined) return prediction;
      const without = await this.#predict(latents, timestep, negative, prepared, run);
      return guide(without, prediction, options.trueCfgScale);
    };
    const preview = await previewOf(options.previews, this.components, run);
    const latents = yield* denoise(run, { scheduler, start, predict, generator: noise.generator, preview });

    // 4. Latents become pictures
    return yield* this.finish(prepared, latents, run);
  }

  protected get size(): readonly [width: number, height: number] {
    return [SIDE, SIDE];
  }

  /** Pixels of a token, on each side. */
  protected override get multiple(): number {
    return PATCH * this.vaeScaleFactor;
  }

  protected get denoiserInput(): DenoiserInput {
    const features = Number(this.component('transformer').config['in_channels'] ?? 64);
    return { channels: features / PATCH ** 2, fillsIn: false };
  }

  #warnOfUnused(options: FluxRun['options']): void {
    const { trueCfgScale } = options;
    if (isGuided(options)) return;
    const warn = (code: string, message: string): void => this.warn(code, message);
    warnOfNegative(options, warn, `trueCfgScale is ${trueCfgScale}, and only above 1 is the model asked with it`);
    if (trueCfgScale > 1)
      warn('WARN_GUIDANCE_UNUSED', `trueCfgScale ${trueCfgScale} has no effect: there is no negative prompt.`);
  }

  /** Of the prompt, and with guidance of the negative prompt. */
  async #conditions(options: FluxRun['options'], run: PipelineRun): Promise<readonly [Condition, Condition?]> {
    const guided = isGuided(options);
    const { embeds, pooled } = await withNegative(options, guided, async (negative) =>
      this.#encode(options, run, negative),
    );
    const both = pooled ?? refuseOption('pooled', pooled, 'pooled embeddings beside those that a plugin gave');
    if (!guided) return [{ embeds, pooled: both }];
    const { count } = options;
    const part = (start: number): Condition => ({
      embeds: sliceBatch(embeds, start, count),
      pooled: sliceBatch(both, start, count),
    });
    return [part(count), part(0)];
  }

  /** CLIP reads the first text, of which the pooled output counts; T5 the second, without a mask: the transformer attends to its padding too. */
  async #encode(
    { prompts, prompts2, negativePrompts, negativePrompts2, maxSequenceLength }: FluxRun['options'],
    run: PipelineRun,
    negative: boolean,
  ): Promise<PromptEmbeds> {
    const [clip, clipTokenizer] = [this.component('text_encoder'), this.tokenizerOf('text_encoder')];
    const [t5, t5Tokenizer] = [this.component('text_encoder_2'), this.tokenizerOf('text_encoder_2')];
    const { modelMaxLength } = clipTokenizer;
    const { pooled } = await encodePrompt(
      run,
      {
        encoder: clip,
        tokenizer: clipTokenizer,
        maxLength: Math.min(modelMaxLength, Number(clip.config['max_position_embeddings'] ?? Infinity)),
        encode: async (inputs) => {
          const { last_hidden_state, pooler_output } = await clip.call(inputs, run.callOptions);
          return { embeds: last_hidden_state as Tensor, pooled: pooler_output as Tensor };
        },
      },
      negative ? negativePrompts : prompts,
      negative,
    );
    const { embeds } = await encodePrompt(
      run,
      {
        encoder: t5,
        tokenizer: t5Tokenizer,
        maxLength: maxSequenceLength,
        encode: async (inputs) => {
          const { last_hidden_state } = await t5.call(inputs, run.callOptions);
          return { embeds: last_hidden_state as Tensor, pooled: undefined };
        },
      },
      negative ? negativePrompts2 : prompts2,
      negative,
    );
    return { embeds, pooled };
  }

  async #predict(
    latents: Tensor,
    timestep: number,
    { embeds, pooled }: Condition,
    { options: { guidanceScale } }: FluxRun,
    { callOptions }: PipelineRun,
  ): Promise<Tensor> {
    const transformer = this.component('transformer');
    const [, , height, width] = latents.dims as [number, number, number, number];
    const [rows, columns] = [height / PATCH, width / PATCH];
    const tokens = embeds.dims[1] as number;
    const guidance = new Tensor('float32', Float32Array.of(guidanceScale), [1]);
    const { sample } = await transformer.call(
      {
        hidden_states: packPatches(latents),
        encoder_hidden_states: embeds,
        pooled_projections: pooled,
        timestep: new Tensor('float32', Float32Array.of(timestep / 1000), [1]),
        img_ids: patchIds(rows, columns),
        txt_ids: new Tensor('float32', new Float32Array(3 * tokens), [tokens, 3]),
        ...(transformer.config['guidance_embeds'] === true && { guidance }),
      },
      callOptions,
    );
    return unpackPatches(sample as Tensor, rows, columns);
  }
}

type GuidanceOptions = Pick<FluxValues, 'trueCfgScale' | 'negativePrompt' | 'negativePromptEmbeds'>;

/** Whether a run asks the model a second time, with a negative prompt; as in diffusers an empty one is one. */
function isGuided({ trueCfgScale, negativePrompt, negativePromptEmbeds }: GuidanceOptions): boolean {
  return trueCfgScale > 1 && (negativePrompt !== undefined || negativePromptEmbeds !== undefined);
}
