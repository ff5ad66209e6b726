import { checkMembers } from '../fields/checkMembers.js';
import type { Tensor } from 'onnxruntime-common';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { Component } from '../execution/Component.js';
import { GrowingImage } from '../images/GrowingImage.js';
import type { Image } from '../images/Image.js';
import { pixelsFromSample } from '../images/imagesFromSample.js';
import { unscaleLatents } from './unscaleLatents.js';

/** Is given every picture once it is whole, before the next one is made; what it gives takes its place. */
export type ImageReader = (image: Image, index: number) => Image | Promise<Image>;

/** Decodes latents [n, c, h, w] to pictures, each made of its rows as they come. */
export async function decodeImages(
  vae: Component,
  latents: Tensor,
  options: CallOptions,
  done: ImageReader = (image) => image,
): Promise<Image[]> {
  checkMembers('vae', vae, 'a VAE', ['config', 'decode']);
  checkMembers('latents', latents, 'a tensor', ['dims', 'data']);
  const images: Image[] = [];
  let growing: GrowingImage | undefined;
  await vae.decodeRows(
    { z: unscaleLatents(latents, vae.config) },
    async ({ index, top, height, rows }) => {
      growing ??= new GrowingImage(index, rows.dims[3] as number, height);
      growing.add(top, rows.data as Float32Array);
      if (!growing.complete) return;
      const image = growing.toImage();
      growing = undefined;
      images.push(await done(image, index));
    },
    options,
  );
  return images;
}

/** Decodes latents [n, c, h, w] to float32 pixels [n, 3, height, width] in [0, 1]. */
export async function decodePixels(vae: Component, latents: Tensor, options: CallOptions): Promise<Tensor> {
  checkMembers('vae', vae, 'a VAE', ['config', 'decode']);
  checkMembers('latents', latents, 'a tensor', ['dims', 'data']);
  return pixelsFromSample((await vae.decode({ z: unscaleLatents(latents, vae.config) }, options)).sample);
}
