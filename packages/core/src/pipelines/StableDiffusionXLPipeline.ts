import type { Tensor } from 'onnxruntime-common';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import { refuseOption } from '../fields/readOptions.js';
import type { Prompt } from '../run/GenerateOptions.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { encodePrompt } from '../sampling/encodePrompt.js';
import { joinEncodings } from '../sampling/joinEncodings.js';
import { checkPenultimate, penultimateState } from '../sampling/penultimateState.js';
import { prepareRun } from '../sampling/prepareRun.js';
import { checkPooled, type SecondTexts, secondTexts } from '../sampling/secondTexts.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import type { Start } from '../sampling/starts/Start.js';
import { checkConditions, type ConditionKind, timeIds } from '../sampling/timeIds.js';
import { withNegative, zerosLike } from '../sampling/withNegative.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { LatentDiffusionPipeline, type LatentDiffusionRun } from './LatentDiffusionPipeline.js';
import { openAs } from './openAs.js';
import {
  fieldsForPictures,
  stableDiffusionXLFields,
  type StableDiffusionXLValues,
} from './StableDiffusionXLOptions.js';

type StableDiffusionXLRun = LatentDiffusionRun & { readonly options: StableDiffusionXLValues & SecondTexts };

/**
 * Text to image with Stable Diffusion XL: two text encoders side by side, and the picture's size as a condition; and its refiner, which goes on with another
 * run's latents (source: diffusers pipelines/stable_diffusion_xl). Pictures get no invisible watermark.
 */
export class StableDiffusionXLPipeline extends LatentDiffusionPipeline<
  typeof stableDiffusionXLFields,
  StableDiffusionXLRun
> {
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = stableDiffusionXLFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained(
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<StableDiffusionXLPipeline> {
    const StableDiffusionXLImg2ImgPipeline = StableDiffusionXLPipeline;
    return openAs({ StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline }, folderOrId, options);
  }

  protected get fields(): typeof stableDiffusionXLFields {
    const latents = this.components['unet']?.config['sample_size'];
    return fieldsForPictures(Number(latents ?? 128) * this.vaeScaleFactor, this.vaeScaleFactor);
  }

  protected prepare(prompt: Prompt, options: StableDiffusionXLValues): StableDiffusionXLRun {
    const { latents, denoisingStart, outputType, promptEmbeds } = options;
    this.require('unet', outputType !== 'latent' && 'vae', ...(promptEmbeds === undefined ? this.#encoders : []));
    if (denoisingStart !== undefined && latents === undefined)
      refuseOption(
        'denoisingStart',
        denoisingStart,
        "latents: those of a run with denoisingEnd and outputType 'latent'",
      );
    checkPooled(options);
    const [height, width] = latents?.dims.slice(2).map((side) => side * this.vaeScaleFactor) ?? [];
    const sides = { width: (options.width ?? width) as number, height: (options.height ?? height) as number };
    checkConditions({ ...options, ...sides }, this.#kindOf(options));
    for (const name of this.#encoders) {
      const { [name]: encoder } = this.components;
      if (encoder !== undefined) checkPenultimate(encoder, options.clipSkip);
    }
    const run = prepareRun(this.scheduler, prompt, { ...options, ...sides });
    checkLatents(latents, this.latentDims(run.options));
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

  protected override async start(prepared: StableDiffusionXLRun, signal: AbortSignal | undefined): Promise<Start> {
    const { options, window } = prepared;
    if (options.denoisingStart === undefined) return super.start(prepared, signal);
    return { latents: options.latents as Tensor, beginIndex: window.beginIndex };
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
        penultimateState(clip, inputs, negative ? 0 : options.clipSkip, run.callOptions),
      );
      encodings.push(await encodePrompt(run, encoder, texts[i] as readonly string[], negative));
    }
    return joinEncodings(encodings);
  }

  #kindOf({ denoisingStart }: StableDiffusionXLValues): ConditionKind {
    return {
      aesthetic: this.index.config['requires_aesthetics_score'] === true,
      fromImage: denoisingStart !== undefined,
    };
  }
}
