import { checkMembers } from '../fields/checkMembers.js';
import type { Tensor } from 'onnxruntime-common';
import type { Component } from '../execution/Component.js';
import type { Image } from '../images/Image.js';
import type { GenerateResult, OutputType } from '../run/GenerateOptions.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { type ImageSettings, pngParameters, type RunSource } from '../run/pngParameters.js';
import { decodeImages, decodePixels } from './decodeImages.js';

/** What a run's latents become. */
export interface ResultParts {
  /** Undefined only where latents are the result. */
  readonly vae: Component | undefined;
  readonly latents: Tensor;
  readonly options: ImageSettings & { readonly outputType: OutputType };
  readonly seeds: readonly number[];
  /** What made them. */
  readonly source: RunSource;
  /** What is done with each picture before it is handed out, such as laying it over another one. */
  readonly finish?: ((image: Image) => Promise<Image>) | undefined;
}

/** The last part of a run that makes pictures: decodes latents [n, c, h, w] as its `outputType` asks, with an event for each picture and one at the end. */
export async function* imageResult(
  run: PipelineRun,
  parts: ResultParts,
): AsyncGenerator<PipelineEvent, GenerateResult> {
  checkMembers('parts', parts, '{ vae, latents, options, seeds, source }', ['latents', 'options', 'seeds']);
  const { vae, latents, options, seeds, source, finish = async (image) => image } = parts;
  if (options.outputType === 'latent' || vae === undefined) return run.result({ images: latents, seeds });
  const decoding =
    options.outputType === 'tensor'
      ? decodePixels(vae, latents, run.callOptions)
      : decodeImages(vae, latents, run.callOptions, async (decoded, index) => {
          const image = await finish(decoded);
          Object.assign(image.metadata, pngParameters(source, options, index, seeds));
          run.emit({ type: 'image', index, image, seed: seeds[index] });
          return image;
        });
  const images = yield* run.timed<Image[] | Tensor>('decode', decoding);
  yield { type: 'decode', images: options.count, milliseconds: run.timings.decode };
  return run.result({ images, seeds });
}
