import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { RunContext } from '../hooks/RunContext.js';
import type { Image } from '../images/Image.js';
import { imagesFromSample } from '../images/imagesFromSample.js';
import { DiffusionPipeline } from './DiffusionPipeline.js';
import type { GenerateResult } from './GenerateOptions.js';
import type { PipelineEvent } from './PipelineEvent.js';

/** A single model as a pipeline with that one component, so that plugins work on it. It cannot generate. */
export class SingleModelPipeline extends DiffusionPipeline {
  protected readonly optionNames: readonly string[] = [];

  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal } = {}): Promise<Image[]> {
    const vae = this.component('vae');
    const { scaling_factor: scale = 1, shift_factor: shift } = vae.config;
    const { Tensor: TensorClass } = await import('onnxruntime-common');
    const z = new TensorClass('float32', (latents.data as Float32Array).map((x) => x / Number(scale) + Number(shift ?? 0)), latents.dims);
    return imagesFromSample((await vae.decode({ z }, options)).sample);
  }

  protected prepare(): Pick<RunContext, 'steps' | 'options'> {
    throw new ThimbleError('ERR_GENERATE_UNSUPPORTED', { className: this.className, folder: this.folder });
  }

  // eslint-disable-next-line require-yield
  protected async * sample(): AsyncGenerator<PipelineEvent, GenerateResult> {
    throw new ThimbleError('ERR_GENERATE_UNSUPPORTED', { className: this.className, folder: this.folder });
  }
}
