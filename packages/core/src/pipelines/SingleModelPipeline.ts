import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { Image } from '../images/Image.js';
import { imagesFromSample } from '../images/imagesFromSample.js';
import { assertFinite } from '../sampling/assertFinite.js';
import { Pipeline } from '../run/Pipeline.js';
import type { PreparedRun } from '../run/PreparedRun.js';
import type { GenerateResult } from '../run/GenerateOptions.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import { unscaleLatents } from '../sampling/unscaleLatents.js';

/** A single model as a pipeline with that one component, so that plugins work on it. It cannot generate. */
export class SingleModelPipeline extends Pipeline {
  protected readonly fields = {};

  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Image[]> {
    checkOptionNames(options, ['signal'], 'decodeLatents');
    const vae = this.component('vae');
    assertFinite(latents, 'given to decodeLatents');
    const z = unscaleLatents(latents, vae.config);
    return imagesFromSample((await vae.decode({ z }, options)).sample);
  }

  protected prepare(): PreparedRun {
    throw new ThimbleError('ERR_GENERATE_UNSUPPORTED', { className: this.className, folder: this.folder });
  }

  // eslint-disable-next-line require-yield
  protected async *sample(): AsyncGenerator<PipelineEvent, GenerateResult> {
    throw new ThimbleError('ERR_GENERATE_UNSUPPORTED', { className: this.className, folder: this.folder });
  }
}
