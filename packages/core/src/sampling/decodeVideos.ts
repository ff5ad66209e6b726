import { checkMembers } from '../fields/checkMembers.js';
import { Tensor } from 'onnxruntime-common';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { Component } from '../execution/Component.js';
import type { Image } from '../images/Image.js';
import { pixelOfSample } from '../images/GrowingImage.js';
import { unscaleLatents } from './unscaleLatents.js';
import { type FrameReader, VideoFrames, videoPixels } from './VideoFrames.js';

/** Decodes latents [n, frames, c, h, w] to the frames of each video. `done` is given every frame once it is whole. */
export async function decodeVideos(
  vae: Component,
  latents: Tensor,
  options: CallOptions,
  done?: FrameReader,
): Promise<Image[][]> {
  checkMembers('vae', vae, 'a VAE', ['config', 'decode']);
  checkMembers('latents', latents, 'a tensor', ['dims', 'data']);
  const frames = new VideoFrames(done);
  await vae.decodeRows({ z: unscaledVideo(latents, vae) }, (part) => frames.add(part), options);
  return frames.videos;
}

/** Decodes latents [n, frames, c, h, w] to float32 pixels [n, frames, height, width, 3] in [0, 1]. */
export async function decodeVideoPixels(vae: Component, latents: Tensor, options: CallOptions): Promise<Tensor> {
  checkMembers('vae', vae, 'a VAE', ['config', 'decode']);
  checkMembers('latents', latents, 'a tensor', ['dims', 'data']);
  return videoPixels((await vae.decode({ z: unscaledVideo(latents, vae) }, options)).sample, pixelOfSample);
}

/** [n, frames, c, h, w] → [n, c, frames, h, w], as the VAE decodes them. */
function unscaledVideo(latents: Tensor, { config }: Component): Tensor {
  const [n, frames, channels, height, width] = latents.dims as [number, number, number, number, number];
  const { data } = unscaleLatents(latents, config);
  const [plane, out] = [height * width, new Float32Array(data.length)];
  for (let i = 0; i < n * frames * channels; i++) {
    const [video, frame, channel] = [
      Math.floor(i / (frames * channels)),
      Math.floor(i / channels) % frames,
      i % channels,
    ];
    out.set(
      (data as Float32Array).subarray(i * plane, (i + 1) * plane),
      ((video * channels + channel) * frames + frame) * plane,
    );
  }
  return new Tensor('float32', out, [n, channels, frames, height, width]);
}
