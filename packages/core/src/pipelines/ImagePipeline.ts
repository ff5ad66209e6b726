import type { Tensor } from 'onnxruntime-common';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { Fields } from '../fields/Field.js';
import type { Image } from '../images/Image.js';
import type { GenerateResult, OutputType } from '../run/GenerateOptions.js';
import { Pipeline } from '../run/Pipeline.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { type ImageSettings, runSource } from '../run/pngParameters.js';
import { assertFinite } from '../sampling/assertFinite.js';
import { decodeImages } from '../sampling/decodeImages.js';
import { imageResult } from '../sampling/imageResult.js';
import type { SamplingRun } from '../sampling/prepareRun.js';
import { PREVIEW_VAE } from '../sampling/previewOf.js';
import type { DenoiserInput } from '../sampling/starts/denoiserInput.js';
import type { LatentDims } from '../sampling/starts/fromImage.js';
import { finishOf } from '../sampling/starts/layOver.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { type PictureRunOptions, readPictures } from '../sampling/starts/readPictures.js';
import type { Start } from '../sampling/starts/Start.js';
import { type Beginning, startOf } from '../sampling/starts/startOf.js';
import { vaeScaleFactor } from '../sampling/vaeScaleFactor.js';

/** A run of an {@link ImagePipeline}. */
export type ImageRun = Beginning &
  SamplingRun<
    ImageSettings & {
      readonly outputType: OutputType;
      readonly latents: Tensor | undefined;
      readonly denoisingStart?: number | undefined;
    }
  >;

/** What the sizes of latents follow from. */
type Sizes = Pick<ImageRun['options'], 'count' | 'height' | 'width'>;

/**
 * What pipelines share whose latents a VAE makes pictures of. They begin with noise, with a picture (`image`), or with a picture and a mask (`maskImage`).
 *
 * @typeParam F - the fields of its options.
 * @typeParam R - what it makes of them.
 * @typeParam L - what it reads for a run.
 */
export abstract class ImagePipeline<F extends Fields, R extends ImageRun, L = Pictures> extends Pipeline<F, R, L> {
  /** A small VAE for previews. */
  static readonly optionalComponents: readonly string[] = [PREVIEW_VAE];

  /** How many times smaller latents are than pictures, on each side. */
  get vaeScaleFactor(): number {
    return vaeScaleFactor(this.components['vae']?.config);
  }

  /** What the denoiser takes. */
  protected abstract get denoiserInput(): DenoiserInput;

  /** What the model was trained for, in pixels. */
  protected abstract get size(): readonly [width: number, height: number];

  /** Pixels of a latent, on each side, as the denoiser is given them. */
  protected get latentScale(): number {
    return this.vaeScaleFactor;
  }

  /** Widths and heights are multiples of this many pixels. */
  protected get multiple(): number {
    return this.latentScale;
  }

  /** Turns latents as `outputType: 'latent'` gives them, float32 [n, c, h, w], into images, through the same hooks. @throws ERR_ARGUMENT_INVALID, ERR_LATENTS_NAN */
  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Image[]> {
    checkOptionNames(options, ['signal'], 'decodeLatents');
    assertFinite(latents, 'given to decodeLatents');
    return decodeImages(this.component('vae'), latents, options);
  }

  /** The pictures that a run begins with; none for one from noise. @throws ERR_ARGUMENT_INVALID, and what reading pictures throws */
  protected async readPictures(options: PictureRunOptions): Promise<Pictures | undefined> {
    return readPictures(options, {
      denoiser: this.denoiserInput,
      scaleFactor: this.latentScale,
      multiple: this.multiple,
      size: this.size,
      warn: (code, message) => this.warn(code, message),
    });
  }

  /** The sizes of a run's latents: [n, c, h, w]. */
  protected latentDims({ count, height, width }: Sizes): LatentDims {
    return [count, this.denoiserInput.channels, height / this.latentScale, width / this.latentScale];
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
      fillsIn: this.denoiserInput.fillsIn,
      vae: this.components['vae'],
      options: callOptions,
    });
  }

  /** The end of a run: latents [n, c, h, w] become pictures, laid over those that they were made of where a mask says so. */
  protected finish(
    { options, noise: { seeds }, pictures }: R,
    latents: Tensor,
    run: PipelineRun,
  ): AsyncGenerator<PipelineEvent, GenerateResult> {
    return imageResult(run, {
      latents,
      options,
      seeds,
      vae: this.components['vae'],
      source: runSource(this, this.scheduler),
      finish: finishOf(pictures),
    });
  }
}
