import type { Tensor } from 'onnxruntime-common';
import type { Component } from '../../execution/Component.js';
import type { CallOptions } from '../../hooks/calls/CallOptions.js';
import type { Generator } from '../../random/Generator.js';
import type { Scheduler } from '../../schedulers/Scheduler.js';
import { assertFinite } from '../assertFinite.js';
import { encodeImages, forResults } from './encodeImages.js';
import type { StartImage } from './Pictures.js';
import type { Start } from './Start.js';
import { unitNoise } from './unitNoise.js';

/** Sizes of latents. */
export type LatentDims = readonly [count: number, channels: number, height: number, width: number];

/** What a start from a picture is made of. */
export interface ImageStart {
  readonly scheduler: Scheduler;
  readonly generator: Generator;
  readonly vae: Component;
  readonly image: StartImage;
  /** The sizes of the latents of all results. */
  readonly dims: LatentDims;
  readonly beginIndex: number;
  /** Unit noise of the user's, in place of the generator's. */
  readonly latents: Tensor | undefined;
  /** Whether noise is added, as a first step needs it; false where latents come from another model that has not taken all of theirs away. Default true. */
  readonly noisy?: boolean;
  readonly options: CallOptions;
}

/**
 * Begins at `beginIndex` with the picture's latents under the noise of that timestep (arXiv 2108.01073; source: diffusers
 * pipelines/stable_diffusion/pipeline_stable_diffusion_img2img.py). Draws the latents, then the noise.
 *
 * @throws ERR_ARGUMENT_INVALID for noise of another size; ERR_LATENTS_NAN
 */
export async function fromImage(parts: ImageStart): Promise<Start> {
  const { scheduler, beginIndex, noisy = true } = parts;
  const original = await imageLatents(parts);
  if (!noisy) return { latents: original, beginIndex };
  const noise = await unitNoise(parts);
  return { latents: scheduler.addNoise(original, noise, [scheduler.timesteps[beginIndex] as number]), beginIndex };
}

/** The picture's latents for each result. */
export async function imageLatents({ vae, image, generator, dims: [count], options }: ImageStart): Promise<Tensor> {
  const latents = image.latents ?? (await encodeImages(vae, image.pixels(), { generator, count }, options));
  assertFinite(latents, 'of the image');
  return forResults(latents, count);
}
