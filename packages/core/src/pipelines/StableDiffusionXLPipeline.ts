import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { Prompt } from '../run/GenerateOptions.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { encodePrompt } from '../sampling/encodePrompt.js';
import { joinEncodings } from '../sampling/joinEncodings.js';
import { checkPenultimate, penultimateState } from '../sampling/penultimateState.js';
import { prepareRun } from '../sampling/prepareRun.js';
import { checkPooled, type SecondTexts, secondTexts } from '../sampling/secondTexts.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { checkPictureOptions } from '../sampling/starts/readPictures.js';
import type { Start } from '../sampling/starts/Start.js';
import { beginRun, type StrengthDefaults } from '../sampling/starts/startOf.js';
import { checkConditions, type ConditionKind, timeIds } from '../sampling/timeIds.js';
import { withNegative, zerosLike } from '../sampling/withNegative.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { LatentDiffusionPipeline, type LatentDiffusionRun } from './LatentDiffusionPipeline.js';
import { checkSingleFile } from './checkSingleFile.js';
import { namesOf } from './namesOf.js';
import { openAs } from './openAs.js';
import { sampleSizeOf } from './outdatedConfigs.js';
import {
  fieldsForPictures,
  stableDiffusionXLFields,
  type StableDiffusionXLValues,
} from './StableDiffusionXLOptions.js';

/** Sides of the latents that Stable Diffusion XL was trained with. */
const SAMPLE_SIZE = 128;
/** diffusers'; with the second the first step is left out. */
const STRENGTHS: StrengthDefaults = { image: 0.3, mask: 0.9999 };

type StableDiffusionXLRun = LatentDiffusionRun & { readonly options: StableDiffusionXLValues & SecondTexts };

/**
 * Stable Diffusion XL, from text, from a picture, and from a picture and a mask: two text encoders side by side, and the picture's size as a condition; and its refiner, which goes on with another
 * run's latents (source: diffusers pipelines/stable_diffusion_xl). Pictures get no invisible watermark.
 */
export class StableDiffusionXLPipeline extends LatentDiffusionPipeline<
  typeof stableDiffusionXLFields,
  StableDiffusionXLRun
> {
  /** Its names in diffusers where it begins with pictures. */
  static readonly aliases = ['StableDiffusionXLImg2ImgPipeline', 'StableDiffusionXLInpaintPipeline'];
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = stableDiffusionXLFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends StableDiffusionXLPipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs(namesOf({ StableDiffusionXLPipeline: this }), folderOrId, options);
  }

  /** Opens a checkpoint in one file, as `DiffusionPipeline.fromSingleFile`. @throws also ERR_ARGUMENT_INVALID for a checkpoint of another class */
  static async fromSingleFile<P extends StableDiffusionXLPipeline>(
    this: PipelineConstructor<P>,
    file: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    await checkSingleFile(file);
    return openAs(namesOf({ StableDiffusionXLPipeline: this }), file, options);
  }

  protected get fields(): typeof stableDiffusionXLFields {
    return fieldsForPictures(this.size, this.vaeScaleFactor);
  }

  protected override get sampleSize(): readonly [height: number, width: number] {
    return sampleSizeOf(this.components['unet']?.config ?? {}, SAMPLE_SIZE);
  }

  protected prepare(prompt: Prompt, options: StableDiffusionXLValues, pictures?: Pictures): StableDiffusionXLRun {
    const { latents, image, outputType, promptEmbeds } = options;
    const usesVae = outputType !== 'latent' || image !== undefined;
    this.require('unet', usesVae && 'vae', ...(promptEmbeds === undefined ? this.#encoders : []));
    this.requirePreviews(options);
    checkContinuation(options);
    checkPictureOptions(options, this.denoiserInput);
    checkPooled(options);
    const sides = this.#sidesOf(options, pictures);
    checkConditions({ ...options, ...sides }, this.#kindOf(options));
    for (const name of this.#encoders) {
      const { [name]: encoder } = this.components;
      if (encoder !== undefined) checkPenultimate(encoder, options.clipSkip);
    }
    const { scheduler } = this;
    const prepared = prepareRun(scheduler, prompt, { ...options, ...sides });
    const run = beginRun(prepared, { scheduler, pictures, strengths: STRENGTHS });
    if (pictures !== undefined || image === undefined) checkLatents(latents, this.latentDims(run.options));
    return { ...run, options: { ...run.options, ...secondTexts(run.options, this.#encoders.length) } };
  }

  protected async conditions(
    { options }: StableDiffusionXLRun,
    run: PipelineRun,
    guided: boolean,
  ): Promise<NamedTensors> {
    const { embeds, pooled } = await withNegative(options, guided, async (negative, like) => {
      const noText = negative && options.negativePrompt === undefined;
      if (noText && this.index.config['force_zeros_for_empty_prompt'] === true) return zerosLike(like as PromptEmbeds);
      return this.#encode(options, run, negative);
    });
    const time_ids = timeIds(options, this.#kindOf(options), options.count, guided);
    return {
      encoder_hidden_states: embeds,
      text_embeds: pooled ?? refuseOption('pooled', pooled, 'pooled embeddings beside those that a plugin gave'),
      time_ids,
    };
  }

  protected override async start(prepared: StableDiffusionXLRun, run: PipelineRun): Promise<Start> {
    const { options, window } = prepared;
    if (options.denoisingStart === undefined || options.latents === undefined) return super.start(prepared, run);
    return { latents: options.latents, beginIndex: window.beginIndex };
  }

  /** A picture says how large the result is, and so do latents. */
  #sidesOf(
    { width, height, latents, image }: StableDiffusionXLValues,
    pictures: Pictures | undefined,
  ): { readonly width: number; readonly height: number } {
    if (pictures !== undefined) return pictures;
    const own = image === undefined ? latents?.dims.slice(2).map((side) => side * this.vaeScaleFactor) : undefined;
    return { width: width ?? own?.[1] ?? this.size[0], height: height ?? own?.[0] ?? this.size[1] };
  }

  /** Names of the text encoders; a refiner has the second one alone. */
  get #encoders(): readonly string[] {
    return ['text_encoder', 'text_encoder_2'].filter((name) => this.index.components[name] !== null);
  }

  /** As in diffusers, clipSkip concerns the prompt alone. */
  async #encode(options: StableDiffusionXLRun['options'], run: PipelineRun, negative: boolean): Promise<PromptEmbeds> {
    const texts = negative ? [options.negativePrompts, options.negativePrompts2] : [options.prompts, options.prompts2];
    const encodings: PromptEmbeds[] = [];
    for (const [i, name] of this.#encoders.entries()) {
      const encoder = this.promptEncoder(name, async (clip, inputs) =>
        penultimateState(clip, inputs, { clipSkip: negative ? 0 : options.clipSkip }, run.callOptions),
      );
      encodings.push(await encodePrompt(run, encoder, texts[i] as readonly string[], negative));
    }
    return joinEncodings(encodings);
  }

  #kindOf({ denoisingStart, image }: StableDiffusionXLValues): ConditionKind {
    return {
      aesthetic: this.index.config['requires_aesthetics_score'] === true,
      fromImage: denoisingStart !== undefined || image !== undefined,
    };
  }
}

/** @throws ERR_ARGUMENT_INVALID for a start in the middle without anything to go on with, or with two such things */
function checkContinuation({ denoisingStart, latents, image }: StableDiffusionXLValues): void {
  if (denoisingStart === undefined) return;
  const needed = "latents: those of a run with denoisingEnd and outputType 'latent'";
  if (latents === undefined && image === undefined) refuseOption('denoisingStart', denoisingStart, needed);
  if (latents !== undefined && image !== undefined)
    refuseOption('latents', 'given', 'nothing beside image: with denoisingStart either goes on');
}
