import type { Tensor } from 'onnxruntime-common';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { Image } from '../images/Image.js';
import { Pipeline } from '../run/Pipeline.js';
import type { GenerateResult, Prompt } from '../run/GenerateOptions.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineParts } from '../run/PipelineParts.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { assertFinite } from '../sampling/assertFinite.js';
import { decodeImages } from '../sampling/decodeImages.js';
import { denoise } from '../sampling/denoise.js';
import type { PromptEncoder } from '../sampling/EncodingCall.js';
import { guidanceEmbedding, predictGuided } from '../sampling/guidance.js';
import { guidedEmbeds } from '../sampling/guidedEmbeds.js';
import { imageResult } from '../sampling/imageResult.js';
import { checkClipSkip, lastHiddenState } from '../sampling/lastHiddenState.js';
import { LatentPreview } from '../sampling/LatentPreview.js';
import { prepareRun, type SamplingRun } from '../sampling/prepareRun.js';
import { checkLatents, fromNoise } from '../sampling/starts/fromNoise.js';
import { timestepTensor } from '../sampling/timestepTensor.js';
import { vaeScaleFactor } from '../sampling/vaeScaleFactor.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { openAs } from './openAs.js';
import { sampleSizeOf, withCorrectedScheduler } from './outdatedConfigs.js';
import { fieldsForSize, stableDiffusionFields, type StableDiffusionValues } from './StableDiffusionOptions.js';

type StableDiffusionRun = SamplingRun<StableDiffusionValues>;

/** Text to image with latent diffusion, Stable Diffusion 1.x and 2.x (source: diffusers pipelines/stable_diffusion/pipeline_stable_diffusion.py). */
export class StableDiffusionPipeline extends Pipeline<typeof stableDiffusionFields, StableDiffusionRun> {
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = stableDiffusionFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained(
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<StableDiffusionPipeline> {
    return openAs({ StableDiffusionPipeline }, folderOrId, options);
  }

  constructor(parts: PipelineParts) {
    super(withCorrectedScheduler(parts));
  }

  /** How many times smaller latents are than pictures, on each side. */
  get vaeScaleFactor(): number {
    return vaeScaleFactor(this.components['vae']?.config);
  }

  protected get fields(): typeof stableDiffusionFields {
    return fieldsForSize(sampleSizeOf(this.components['unet']?.config ?? {}), this.vaeScaleFactor);
  }

  protected prepare(prompt: Prompt, options: StableDiffusionValues): StableDiffusionRun {
    const { outputType, promptEmbeds } = options;
    this.require('unet', outputType !== 'latent' && 'vae', promptEmbeds === undefined && 'text_encoder');
    const { text_encoder: encoder } = this.components;
    if (encoder !== undefined) checkClipSkip(encoder, options.clipSkip);
    const run = prepareRun(this.scheduler, prompt, options);
    checkLatents(options.latents, this.#latentDims(run.options));
    return run;
  }

  protected async *sample(
    { options, noise }: StableDiffusionRun,
    run: PipelineRun,
  ): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const unet = this.component('unet');
    const { guidanceScale: scale, guidanceRescale: rescale, eta } = options;
    const { generator, seeds } = noise;

    // 1. The prompt becomes embeddings. A model that was distilled with guidance takes the scale as a condition
    const embeddedScale = unet.config['time_cond_proj_dim'];
    const guided = scale > 1 && embeddedScale == null;
    const encoder = (): PromptEncoder => this.#promptEncoder(options.clipSkip, run.callOptions);
    const embeds = yield* run.timed('encodePrompt', guidedEmbeds(run, encoder, options, guided));
    const conditions = {
      encoder_hidden_states: embeds,
      ...(typeof embeddedScale === 'number'
        ? { timestep_cond: guidanceEmbedding(scale, embeds.dims[0] as number, embeddedScale) }
        : {}),
    };

    // 2. Noise
    const start = fromNoise({ scheduler, generator, dims: this.#latentDims(options), latents: options.latents });

    // 3. The UNet predicts what of it is not the picture
    const predict = async (latents: Tensor, timestep: number): Promise<Tensor> =>
      predictGuided(latents, { guided, scale, rescale }, async (sample) => {
        const inputs = { sample, timestep: timestepTensor(timestep), ...conditions };
        return (await unet.call(inputs, run.callOptions))['sample'] as Tensor;
      });
    const preview = options.previews === false ? undefined : await LatentPreview.of(this.component('vae'), run.signal);
    const latents = yield* denoise(run, { scheduler, start, predict, generator, eta, preview });

    // 4. Latents become pictures
    return yield* imageResult(run, { latents, options, seeds, vae: this.components['vae'], source: this });
  }

  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal } = {}): Promise<Image[]> {
    assertFinite(latents, 'given to decodeLatents');
    return decodeImages(this.component('vae'), latents, options);
  }

  #latentDims({ count, height, width }: StableDiffusionRun['options']): readonly number[] {
    const factor = this.vaeScaleFactor;
    return [count, Number(this.component('unet').config['in_channels'] ?? 4), height / factor, width / factor];
  }

  #promptEncoder(clipSkip: number, options: CallOptions): PromptEncoder {
    const { tokenizer } = this;
    const encoder = this.component('text_encoder');
    const maxLength = Math.min(tokenizer.modelMaxLength, Number(encoder.config['max_position_embeddings'] ?? Infinity));
    // As in diffusers, clipSkip concerns the prompt alone.
    const encode: PromptEncoder['encode'] = async (inputs, negative) => ({
      embeds: await lastHiddenState(encoder, inputs, negative ? 0 : clipSkip, options),
    });
    return { encoder, tokenizer, maxLength, encode };
  }
}
