import type { Tensor } from 'onnxruntime-common';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { Fields } from '../fields/Field.js';
import type { Image } from '../images/Image.js';
import { Pipeline } from '../run/Pipeline.js';
import type { PreparedRun } from '../run/PreparedRun.js';
import { assertFinite } from '../sampling/assertFinite.js';
import { decodeImages } from '../sampling/decodeImages.js';
import { PREVIEW_VAE } from '../sampling/previewOf.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { vaeScaleFactor } from '../sampling/vaeScaleFactor.js';

/**
 * What pipelines share whose latents a VAE makes pictures of.
 *
 * @typeParam F - the fields of its options.
 * @typeParam R - what it makes of them.
 * @typeParam L - what it reads for a run.
 */
export abstract class ImagePipeline<F extends Fields, R extends PreparedRun, L = Pictures> extends Pipeline<F, R, L> {
  /** A small VAE for previews. */
  static readonly optionalComponents: readonly string[] = [PREVIEW_VAE];

  /** How many times smaller latents are than pictures, on each side. */
  get vaeScaleFactor(): number {
    return vaeScaleFactor(this.components['vae']?.config);
  }

  /** Turns latents as `outputType: 'latent'` gives them, float32 [n, c, h, w], into images, through the same hooks. @throws ERR_ARGUMENT_INVALID, ERR_LATENTS_NAN */
  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Image[]> {
    checkOptionNames(options, ['signal'], 'decodeLatents');
    assertFinite(latents, 'given to decodeLatents');
    return decodeImages(this.component('vae'), latents, options);
  }
}
