import { checkMembers } from '../fields/checkMembers.js';
import type { GenerateResult } from '../run/GenerateOptions.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { pngParameters } from '../run/pngParameters.js';
import { decodeVideoPixels, decodeVideos } from './decodeVideos.js';
import type { ResultParts } from './imageResult.js';

/** The last part of a run that makes videos: decodes latents [n, frames, c, h, w] as its `outputType` asks, with an event for each frame and one at the end. */
export async function* videoResult(
  run: PipelineRun,
  parts: ResultParts,
): AsyncGenerator<PipelineEvent, GenerateResult> {
  checkMembers('parts', parts, '{ vae, latents, options, seeds, source }', ['latents', 'options', 'seeds']);
  const { vae, latents, options, seeds, source } = parts;
  if (options.outputType === 'latent' || vae === undefined)
    return run.result({ images: latents, frames: latents, seeds });
  if (options.outputType === 'tensor') {
    const frames = yield* run.timed('decode', decodeVideoPixels(vae, latents, run.callOptions));
    const [videos, length] = frames.dims as [number, number];
    yield { type: 'decode', images: videos * length, milliseconds: run.timings.decode };
    return run.result({ images: frames, frames, seeds });
  }
  const decoding = decodeVideos(vae, latents, run.callOptions, (image, index, frame) => {
    Object.assign(image.metadata, pngParameters(source, options, index, seeds));
    run.emit({ type: 'frame', index, frame, image });
  });
  const frames = yield* run.timed('decode', decoding);
  const images = frames.flat();
  yield { type: 'decode', images: images.length, milliseconds: run.timings.decode };
  return run.result({ images, frames, seeds });
}
