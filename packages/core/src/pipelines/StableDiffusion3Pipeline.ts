import { Tensor } from 'onnxruntime-common';
import { concatBatch, sliceBatch } from '../execution/batch.js';
import type { Component } from '../execution/Component.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import type { GenerateResult, Prompt } from '../run/GenerateOptions.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { calculateShift } from '../sampling/calculateShift.js';
import { checkPictureRoom } from '../sampling/checkPictureRoom.js';
import { concatChannels } from '../sampling/concatChannels.js';
import { denoise } from '../sampling/denoise.js';
import { encodePrompt } from '../sampling/encodePrompt.js';
import { joinTokens } from '../sampling/gridTokens.js';
import { guide } from '../sampling/guidance.js';
import { joinEncodings } from '../sampling/joinEncodings.js';
import { checkPenultimate, penultimateState } from '../sampling/penultimateState.js';
import { prepareRun, type SamplingRun } from '../sampling/prepareRun.js';
import { checkPreviews, previewOf } from '../sampling/previewOf.js';
import { checkPooled, type SecondTexts, secondTexts, type ThirdTexts, thirdTexts } from '../sampling/secondTexts.js';
import { addSkipGuidance, checkSkipGuidance, skippedAt } from '../sampling/skipGuidance.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import { type DenoiserInput, denoiserInput } from '../sampling/starts/denoiserInput.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { checkPictureOptions } from '../sampling/starts/readPictures.js';
import { type Beginning, beginRun, type StrengthDefaults } from '../sampling/starts/startOf.js';
import { timestepTensor } from '../sampling/timestepTensor.js';
import { warnOfNegative } from '../sampling/warnOfNegative.js';
import { withNegative } from '../sampling/withNegative.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { ImagePipeline } from './ImagePipeline.js';
import { namesOf } from './namesOf.js';
import { openAs } from './openAs.js';
import { fieldsForPatches, stableDiffusion3Fields, type StableDiffusion3Values } from './StableDiffusion3Options.js';

const CLIPS = ['text_encoder', 'text_encoder_2'] as const;
const T5 = 'text_encoder_3';
/** diffusers'. */
const STRENGTHS: StrengthDefaults = { image: 0.6, mask: 0.6 };

type StableDiffusion3Run = Beginning &
  SamplingRun<
    StableDiffusion3Values & { readonly width: number; readonly height: number; readonly timesteps: undefined }
  > & { readonly options: SecondTexts & ThirdTexts };

/** Calls the transformer, without `skipped` blocks. */
type AskTransformer = (
  latents: Tensor,
  timestep: number,
  texts: { readonly embeds: Tensor; readonly pooled: Tensor },
  skipped?: readonly number[],
) => Promise<Tensor>;

/**
 * Stable Diffusion 3 and 3.5, from text, from a picture, and from a picture and a mask: two CLIPs read the prompt, and T5, where there is one; a transformer denoises image and text together
 * (arXiv 2403.03206; source: diffusers pipelines/stable_diffusion_3).
 */
export class StableDiffusion3Pipeline extends ImagePipeline<
  typeof stableDiffusion3Fields,
  StableDiffusion3Run,
  Pictures
> {
  /** Its names in diffusers where it begins with pictures. */
  static readonly aliases = ['StableDiffusion3Img2ImgPipeline', 'StableDiffusion3InpaintPipeline'];
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = stableDiffusion3Fields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends StableDiffusion3Pipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs(namesOf({ StableDiffusion3Pipeline: this }), folderOrId, options);
  }

  protected get fields(): typeof stableDiffusion3Fields {
    return fieldsForPatches(this.size[0], this.multiple);
  }

  protected override async read(options: StableDiffusion3Values): Promise<Pictures | undefined> {
    return this.readPictures(options);
  }

  protected prepare(prompt: Prompt, options: StableDiffusion3Values, pictures?: Pictures): StableDiffusion3Run {
    const { image, outputType, promptEmbeds, negativePromptEmbeds, guidanceScale, previews, clipSkip } = options;
    const encodes = promptEmbeds === undefined || (guidanceScale > 1 && negativePromptEmbeds === undefined);
    const usesVae = outputType !== 'latent' || image !== undefined;
    this.require('transformer', usesVae && 'vae', ...(encodes ? CLIPS : []));
    this.require(previews !== false && previews !== 'tiny' && 'vae');
    if (encodes && this.#hasT5) this.tokenizerOf(T5);
    checkPreviews(previews, this.components, this.denoiserInput.channels);
    checkPictureOptions(options, this.denoiserInput);
    checkPooled(options);
    checkSkipGuidance(options, Number(this.transformer.config['num_layers'] ?? 18));
    for (const name of CLIPS) {
      const { [name]: encoder } = this.components;
      if (encoder !== undefined) checkPenultimate(encoder, clipSkip);
    }
    const { width = this.size[0], height = this.size[1] } = pictures ?? options;
    this.#checkSides(width, height);
    const { scheduler } = this;
    const mu = calculateShift((width / this.multiple) * (height / this.multiple), scheduler.config);
    const sized = { ...options, width, height, timesteps: undefined };
    const prepared = prepareRun(scheduler, prompt, sized, mu === undefined ? {} : { mu });
    const run = beginRun(prepared, { scheduler, pictures, strengths: STRENGTHS, rounding: 'up' });
    if (pictures !== undefined || image === undefined) checkLatents(options.latents, this.latentDims(run.options));
    const texts = { ...secondTexts(run.options, CLIPS.length), ...thirdTexts(run.options, this.#hasT5) };
    return { ...run, options: { ...run.options, ...texts } };
  }

  protected override async checkRoom(prepared: StableDiffusion3Run, signal: AbortSignal): Promise<void> {
    await checkPictureRoom(this, prepared, {
      denoiser: this.transformer,
      denoiserSizes: (latentHeight, latentWidth) => ({ latentHeight, latentWidth }),
      scaleFactor: this.vaeScaleFactor,
      multiple: this.multiple,
      signal,
    });
  }

  protected async *sample(
    prepared: StableDiffusion3Run,
    run: PipelineRun,
  ): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const { options, noise, window } = prepared;
    const { guidanceScale, count } = options;

    // 1. The prompt becomes embeddings, those of the negative prompt before them where there is guidance
    const guided = guidanceScale > 1;
    if (!guided) warnOfNegative(options, (code, message) => this.warn(code, message));
    const { embeds, pooled = refusePooled() } = yield* run.timed(
      'encodePrompt',
      withNegative(options, guided, async (negative) => this.#encode(options, run, negative)),
    );

    // 2. Noise, or what else there is to begin with
    const start = yield* run.timed('encodeImage', this.start(prepared, run));

    // 3. The transformer predicts noise minus picture; with some layers left out, what they contribute is seen
    const ask = this.#asker(run);
    const steps = window.endIndex - window.beginIndex;
    const predict = async (latents: Tensor, timestep: number, index: number): Promise<Tensor> => {
      if (!guided) return ask(latents, timestep, { embeds, pooled });
      const both = await ask(concatBatch([latents, latents]), timestep, { embeds, pooled });
      const withPrompt = sliceBatch(both, count, count);
      const prediction = guide(sliceBatch(both, 0, count), withPrompt, guidanceScale);
      const skipped = skippedAt(options, index, steps);
      if (skipped.length === 0) return prediction;
      const prompt = { embeds: sliceBatch(embeds, count, count), pooled: sliceBatch(pooled, count, count) };
      const without = await ask(latents, timestep, prompt, skipped);
      return addSkipGuidance(prediction, withPrompt, without, options.skipLayerGuidanceScale);
    };
    const preview = await previewOf(options.previews, this.components, run);
    const latents = yield* denoise(run, { scheduler, start, predict, generator: noise.generator, preview });

    // 4. Latents become pictures
    return yield* this.finish(prepared, latents, run);
  }

  /** Pixels of a patch, on each side. */
  protected override get multiple(): number {
    return this.vaeScaleFactor * Number(this.components['transformer']?.config['patch_size'] ?? 2);
  }

  protected get size(): readonly [width: number, height: number] {
    const side = this.vaeScaleFactor * Number(this.components['transformer']?.config['sample_size'] ?? 128);
    return [side, side];
  }

  protected get denoiserInput(): DenoiserInput {
    return denoiserInput({ in_channels: 16, out_channels: 16, ...this.transformer.config });
  }

  get #hasT5(): boolean {
    return this.components[T5] !== undefined;
  }

  /** @throws ERR_ARGUMENT_INVALID for a side beyond the model's table of positions */
  #checkSides(width: number, height: number): void {
    const most = this.multiple * Number(this.transformer.config['pos_embed_max_size'] ?? 96);
    for (const [name, side] of Object.entries({ width, height }))
      if (side > most) refuseOption(name, side, `at most ${most}: the model has positions for no more`);
  }

  #asker(run: PipelineRun): AskTransformer {
    const transformer = this.component('transformer');
    const named = new Tensor('int64', BigInt64Array.of(1n), [1]);
    return async (latents, timestep, { embeds, pooled }, skipped = []) => {
      const inputs = {
        hidden_states: latents,
        encoder_hidden_states: embeds,
        pooled_projections: pooled,
        timestep: timestepTensor(timestep),
        ...Object.fromEntries(skipped.map((layer) => [`skip_layers.${layer}`, named])),
      };
      return (await transformer.call(inputs, run.callOptions))['sample'] as Tensor;
    };
  }

  /** Both CLIPs' vectors side by side, filled up with zeros to the width of T5's, which follow. As in diffusers, clipSkip concerns the prompt alone. */
  async #encode(options: StableDiffusion3Run['options'], run: PipelineRun, negative: boolean): Promise<PromptEmbeds> {
    const texts = negative
      ? [options.negativePrompts, options.negativePrompts2]
      : ([options.prompts, options.prompts2] as const);
    const clips: PromptEmbeds[] = [];
    for (const [i, name] of CLIPS.entries()) {
      const [encoder, tokenizer] = [this.component(name), this.tokenizerOf(name)];
      // CLIP's first encoder comes without a projection in files of one's own keys; its pooled token counts as it is.
      const taken = { clipSkip: negative ? 0 : options.clipSkip, unprojected: true };
      clips.push(
        await encodePrompt(
          run,
          {
            encoder,
            tokenizer,
            maxLength: maxLengthOf(encoder, tokenizer.modelMaxLength),
            encode: async (inputs) => penultimateState(encoder, inputs, taken, run.callOptions),
          },
          texts[i] as readonly string[],
          negative,
        ),
      );
    }
    const pooled = clips.map((clip) => clip.pooled ?? refusePooled()) as [Tensor, Tensor];
    const { embeds } = joinEncodings(clips);
    const [n, tokens, own] = embeds.dims as [number, number, number];
    const t5 = await this.#encodeT5(options, run, negative, n);
    const width = t5.dims[2] as number;
    const filled =
      own === width ? embeds : joinEncodings([{ embeds }, { embeds: zeros([n, tokens, width - own]) }]).embeds;
    return { embeds: joinTokens([filled, t5]), pooled: concatChannels(pooled) };
  }

  /** T5's vectors of the texts, the padding's too; without it zeros. */
  async #encodeT5(
    { prompts3, negativePrompts3, maxSequenceLength: maxLength }: StableDiffusion3Run['options'],
    run: PipelineRun,
    negative: boolean,
    count: number,
  ): Promise<Tensor> {
    if (!this.#hasT5) return zeros([count, maxLength, Number(this.transformer.config['joint_attention_dim'] ?? 4096)]);
    const encoder = this.component(T5);
    const { embeds } = await encodePrompt(
      run,
      {
        encoder,
        tokenizer: this.tokenizerOf(T5),
        maxLength,
        encode: async (inputs) => ({
          embeds: (await encoder.call(inputs, run.callOptions))['last_hidden_state'] as Tensor,
        }),
      },
      negative ? negativePrompts3 : prompts3,
      negative,
    );
    return embeds;
  }
}

/** Tokens that a text encoder of CLIP takes. */
function maxLengthOf({ config }: Component, modelMaxLength: number): number {
  return Math.min(modelMaxLength, Number(config['max_position_embeddings'] ?? Infinity));
}

function zeros(dims: readonly number[]): Tensor {
  return new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
}

function refusePooled(): never {
  return refuseOption('pooled', undefined, 'pooled embeddings beside those that a plugin gave');
}
