import type { Tensor } from 'onnxruntime-common';
import type { Component } from '../execution/Component.js';
import type { Fields, FieldValues } from '../fields/Field.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { GenerateResult } from '../run/GenerateOptions.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { checkPictureRoom } from '../sampling/checkPictureRoom.js';
import { denoise } from '../sampling/denoise.js';
import type { DenoisingShare } from '../sampling/denoisingWindow.js';
import type { PromptEncoder } from '../sampling/EncodingCall.js';
import { guidanceEmbedding, predictGuided } from '../sampling/guidance.js';
import { guidedEmbeds } from '../sampling/guidedEmbeds.js';
import { checkClipSkip, lastHiddenState } from '../sampling/lastHiddenState.js';
import { loadAhead, type LoadingAhead } from '../sampling/loadAhead.js';
import { checkPreviews, previewOf } from '../sampling/previewOf.js';
import type { SamplingRun } from '../sampling/prepareRun.js';
import { type DenoiserInput, denoiserInput } from '../sampling/starts/denoiserInput.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { type Beginning } from '../sampling/starts/startOf.js';
import { timestepTensor } from '../sampling/timestepTensor.js';
import { warnOfNegative } from '../sampling/warnOfNegative.js';
import { ImagePipeline } from './ImagePipeline.js';
import { sampleSizeOf } from './outdatedConfigs.js';
import type { StableDiffusionValues } from './StableDiffusionOptions.js';

/** A run of a {@link LatentDiffusionPipeline}. */
export type LatentDiffusionRun = Beginning &
  SamplingRun<StableDiffusionValues & DenoisingShare & { readonly width: number; readonly height: number }>;

/**
 * What the pipelines of Stable Diffusion share: a UNet denoises latents under `conditions`, and a VAE makes pictures of them. A pipeline says how a prompt becomes conditions.
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

  protected get size(): readonly [width: number, height: number] {
    const [height, width] = this.sampleSize;
    return [width * this.vaeScaleFactor, height * this.vaeScaleFactor];
  }

  /** What the UNet is given beside latents and timestep, for each picture; with guidance that of the negative prompts first. */
  protected abstract conditions(prepared: R, run: PipelineRun, guided: boolean): Promise<NamedTensors>;

  protected get denoiserInput(): DenoiserInput {
    return denoiserInput(this.unet.config);
  }

  protected override async read(options: FieldValues<F>): Promise<Pictures | undefined> {
    return this.readPictures(options as unknown as StableDiffusionValues);
  }

  protected override async checkRoom(prepared: R, signal: AbortSignal): Promise<void> {
    await checkPictureRoom(this, prepared, {
      denoiser: this.unet,
      denoiserSizes: (height, width) => ({ height, width }),
      scaleFactor: this.vaeScaleFactor,
      multiple: this.multiple,
      signal,
    });
  }

  protected async *sample(prepared: R, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const unet = this.component('unet');
    const { options, window } = prepared;
    const { guidanceScale: scale, guidanceRescale: rescale, eta, count } = options;
    const { generator } = prepared.noise;

    // 1. The prompt becomes conditions, while the UNet's sessions are made. A model that was distilled with guidance takes its scale as one more
    const embeddedScale = unet.config['time_cond_proj_dim'];
    const guided = scale > 1 && embeddedScale == null;
    if (!guided) warnOfNegative(options, (code, message) => this.warn(code, message));
    await using ahead = this.#loadAhead(prepared, run, guided);
    const conditions = yield* run.timed('encodePrompt', this.conditions(prepared, run, guided));
    ahead?.stopWaiting();
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
    return yield* this.finish(prepared, latents, run);
  }

  /** Nothing where embeddings are given, or where a plugin makes them, of as many tokens as it likes; nor for a model with one more condition. */
  #loadAhead({ options, window }: R, run: PipelineRun, guided: boolean): LoadingAhead | undefined {
    const encoder = ['text_encoder', 'text_encoder_2'].find((name) => this.components[name] !== undefined);
    const isForeseen = options.promptEmbeds === undefined && this.unet.config['time_cond_proj_dim'] == null;
    if (encoder === undefined || !isForeseen || run.hooks.encodePrompt.isUsed()) return undefined;
    const [batch, , latentHeight, latentWidth] = this.latentDims(options);
    return loadAhead(run, this.unet, {
      batch: guided ? 2 * batch : batch,
      latentHeight,
      latentWidth,
      tokens: this.#maxLength(encoder),
      timestep: this.scheduler.timesteps[window.beginIndex] ?? 0,
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
    checkPreviews(previews, this.components, this.denoiserInput.channels);
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
    const maxLength = this.#maxLength(name);
    return { encoder, tokenizer, maxLength, encode: async (inputs, negative) => take(encoder, inputs, negative) };
  }

  /** How many tokens a text encoder takes. */
  #maxLength(name: string): number {
    const positions = Number(this.component(name).config['max_position_embeddings'] ?? Infinity);
    return Math.min(this.tokenizerOf(name).modelMaxLength, positions);
  }
}
