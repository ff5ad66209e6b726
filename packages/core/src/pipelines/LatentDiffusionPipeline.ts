import type { Tensor } from 'onnxruntime-common';
import type { Component } from '../execution/Component.js';
import type { Fields, FieldValues } from '../fields/Field.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { GenerateResult } from '../run/GenerateOptions.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { finishOf } from '../sampling/starts/layOver.js';
import { checkPictureRoom } from '../sampling/checkPictureRoom.js';
import { denoise } from '../sampling/denoise.js';
import type { DenoisingShare } from '../sampling/denoisingWindow.js';
import type { PromptEncoder } from '../sampling/EncodingCall.js';
import { guidanceEmbedding, predictGuided } from '../sampling/guidance.js';
import { guidedEmbeds } from '../sampling/guidedEmbeds.js';
import { imageResult } from '../sampling/imageResult.js';
import { checkClipSkip, lastHiddenState } from '../sampling/lastHiddenState.js';
import { checkPreviews, previewOf } from '../sampling/previewOf.js';
import type { SamplingRun } from '../sampling/prepareRun.js';
import { denoiserInput } from '../sampling/starts/denoiserInput.js';
import type { LatentDims } from '../sampling/starts/fromImage.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { readPictures } from '../sampling/starts/readPictures.js';
import type { Start } from '../sampling/starts/Start.js';
import { type Beginning, startOf } from '../sampling/starts/startOf.js';
import { timestepTensor } from '../sampling/timestepTensor.js';
import { warnOfNegative } from '../sampling/warnOfNegative.js';
import { ImagePipeline } from './ImagePipeline.js';
import { sampleSizeOf } from './outdatedConfigs.js';
import type { StableDiffusionValues } from './StableDiffusionOptions.js';

/** A run of a {@link LatentDiffusionPipeline}. */
export type LatentDiffusionRun = Beginning &
  SamplingRun<StableDiffusionValues & DenoisingShare & { readonly width: number; readonly height: number }>;

/**
 * What the pipelines of Stable Diffusion share: a UNet denoises latents under `conditions`, and a VAE makes pictures of them. They begin with noise, with a picture
 * (`image`), or with a picture and a mask (`maskImage`). A pipeline says how a prompt becomes conditions.
 *
 * @typeParam F - the fields of its options.
 * @typeParam R - what it makes of them.
 */
export abstract class LatentDiffusionPipeline<F extends Fields, R extends LatentDiffusionRun> extends ImagePipeline<
  F,
  R,
  Pictures
> {
  /** Height and width of the latents that the UNet was trained for. */
  protected get sampleSize(): readonly [height: number, width: number] {
    return sampleSizeOf(this.components['unet']?.config ?? {});
  }

  /** What the UNet was trained for, in pixels. */
  protected get size(): readonly [width: number, height: number] {
    const [height, width] = this.sampleSize;
    return [width * this.vaeScaleFactor, height * this.vaeScaleFactor];
  }

  /** What the UNet is given beside latents and timestep, for each picture; with guidance that of the negative prompts first. */
  protected abstract conditions(prepared: R, run: PipelineRun, guided: boolean): Promise<NamedTensors>;

  protected override async read(options: FieldValues<F>): Promise<Pictures | undefined> {
    return readPictures(options as unknown as StableDiffusionValues, {
      denoiser: denoiserInput(this.unet.config),
      scaleFactor: this.vaeScaleFactor,
      size: this.size,
      warn: (code, message) => this.warn(code, message),
    });
  }

  /** The sizes of a run's latents: [n, c, h, w]. */
  protected latentDims({
    count,
    height,
    width,
  }: Pick<LatentDiffusionRun['options'], 'count' | 'height' | 'width'>): LatentDims {
    const factor = this.vaeScaleFactor;
    return [count, denoiserInput(this.unet.config).channels, height / factor, width / factor];
  }

  /** Where denoising begins: with noise, a picture, or a picture and a mask. */
  protected async start(
    { options, noise: { generator }, window, pictures, whole }: R,
    { callOptions }: PipelineRun,
  ): Promise<Start> {
    return startOf({
      beginning: { pictures, whole },
      beginIndex: window.beginIndex,
      scheduler: this.scheduler,
      generator,
      dims: this.latentDims(options),
      latents: options.latents,
      noisy: options.denoisingStart === undefined,
      fillsIn: denoiserInput(this.unet.config).fillsIn,
      vae: this.components['vae'],
      options: callOptions,
    });
  }

  protected override async checkRoom(prepared: R, signal: AbortSignal): Promise<void> {
    const scaleFactor = this.vaeScaleFactor;
    await checkPictureRoom(this, prepared, {
      denoiser: this.unet,
      denoiserSizes: (height, width) => ({ height, width }),
      scaleFactor,
      multiple: scaleFactor,
      signal,
    });
  }

  protected async *sample(prepared: R, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const unet = this.component('unet');
    const { options, window } = prepared;
    const { guidanceScale: scale, guidanceRescale: rescale, eta, count } = options;
    const { generator, seeds } = prepared.noise;

    // 1. The prompt becomes conditions. A model that was distilled with guidance takes its scale as one more
    const embeddedScale = unet.config['time_cond_proj_dim'];
    const guided = scale > 1 && embeddedScale == null;
    if (!guided) warnOfNegative(options, (code, message) => this.warn(code, message));
    const conditions = yield* run.timed('encodePrompt', this.conditions(prepared, run, guided));
    if (typeof embeddedScale === 'number') conditions['timestep_cond'] = guidanceEmbedding(scale, count, embeddedScale);

    // 2. Noise, or what else there is to begin with
    const start = yield* run.timed('encodeImage', this.start(prepared, run));

    // 3. The UNet predicts what of it is not the picture
    const predict = async (latents: Tensor, timestep: number): Promise<Tensor> =>
      predictGuided(latents, { guided, scale, rescale }, async (sample) => {
        const inputs = { sample, timestep: timestepTensor(timestep), ...conditions };
        return (await unet.call(inputs, run.callOptions))['sample'] as Tensor;
      });
    const preview = await previewOf(options.previews, this.components, run);
    const { endIndex } = window;
    const latents = yield* denoise(run, { scheduler, start, endIndex, predict, generator, eta, preview });

    // 4. Latents become pictures
    return yield* imageResult(run, {
      latents,
      options,
      seeds,
      vae: this.components['vae'],
      source: { scheduler, folder: this.folder },
      finish: finishOf(prepared.pictures),
    });
  }

  /** The one text encoder's last hidden states, of prompts and with guidance of negative prompts. As in diffusers, clipSkip concerns the prompt alone. */
  protected async hiddenStates({ options }: R, run: PipelineRun, guided: boolean): Promise<Tensor> {
    const encoder = (): PromptEncoder =>
      this.promptEncoder('text_encoder', async (clip, inputs, negative) => ({
        embeds: await lastHiddenState(clip, inputs, negative ? 0 : options.clipSkip, run.callOptions),
      }));
    return guidedEmbeds(run, encoder, options, guided);
  }

  /** What the previews of a run with these options need. @throws ERR_COMPONENT_MISSING, ERR_ARGUMENT_INVALID */
  protected requirePreviews({ previews }: Pick<StableDiffusionValues, 'previews'>): void {
    this.require(previews !== false && previews !== 'tiny' && 'vae');
    checkPreviews(previews, this.components, denoiserInput(this.unet.config).channels);
  }

  /** What a run with these options needs of a pipeline with one text encoder. @throws ERR_COMPONENT_MISSING; ERR_ARGUMENT_INVALID for a clipSkip beyond the encoder's layers */
  protected requireParts(
    options: Pick<StableDiffusionValues, 'outputType' | 'promptEmbeds' | 'image' | 'clipSkip'>,
  ): void {
    const { outputType, promptEmbeds, image, clipSkip } = options;
    const usesVae = outputType !== 'latent' || image !== undefined;
    this.require('unet', usesVae && 'vae', promptEmbeds === undefined && 'text_encoder');
    const { text_encoder: encoder } = this.components;
    if (encoder !== undefined) checkClipSkip(encoder, clipSkip);
  }

  /** A CLIP text encoder by its name, from which `take` takes what the UNet is conditioned on. */
  protected promptEncoder(
    name: string,
    take: (encoder: Component, inputs: NamedTensors, negative: boolean) => Promise<PromptEmbeds>,
  ): PromptEncoder {
    const [encoder, tokenizer] = [this.component(name), this.tokenizerOf(name)];
    const maxLength = Math.min(tokenizer.modelMaxLength, Number(encoder.config['max_position_embeddings'] ?? Infinity));
    return { encoder, tokenizer, maxLength, encode: async (inputs, negative) => take(encoder, inputs, negative) };
  }
}
