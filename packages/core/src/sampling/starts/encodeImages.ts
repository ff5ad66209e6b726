import { Tensor } from 'onnxruntime-common';
import { sliceBatch } from '../../execution/batch.js';
import type { Component } from '../../execution/Component.js';
import type { CallOptions } from '../../hooks/calls/CallOptions.js';
import { BatchGenerator } from '../../random/BatchGenerator.js';
import type { Generator } from '../../random/Generator.js';
import { scaleLatents } from '../unscaleLatents.js';

/** Where an encoder's latents are drawn from, and for how many results. */
export interface LatentDraw {
  readonly generator: Generator;
  /** Results of the run. */
  readonly count: number;
}

/** Bounds of the logarithm of a variance, as in diffusers. */
const [LEAST, MOST] = [-30, 20];

/**
 * Encodes pictures, float32 [n, 3, height, width] in [-1, 1], and draws latents from the distributions that the VAE gives: [n, channels, h, w] at the denoiser's scale, one draw for each picture. With a
 * generator for each result there is one draw for each result, [count, …], so that no result depends on the others. A VAE that gives latents themselves, as AutoencoderTiny does, draws nothing.
 */
export async function encodeImages(vae: Component, x: Tensor, draw: LatentDraw, options: CallOptions): Promise<Tensor> {
  const { moments } = await vae.encode({ x }, options);
  if (!drawsLatents(vae)) return scaleLatents(moments, vae.config);
  const [pictures = 1, channels = 2, height = 1, width = 1] = moments.dims;
  const noise = drawLatents(draw, [pictures, channels / 2, height, width]);
  const drawn = Array.from({ length: noise.dims[0] as number }, (_, i) =>
    sliceBatch(moments, pictureOf(i, noise.dims[0] as number, pictures), 1),
  );
  const out = new Float32Array(noise.size);
  const size = noise.size / drawn.length;
  for (const [n, { data }] of drawn.entries()) {
    const [mean, logVariance] = [data as Float32Array, (data as Float32Array).subarray(size)];
    for (let i = 0; i < size; i++) {
      const deviation = Math.fround(Math.exp(0.5 * Math.min(Math.max(logVariance[i] as number, LEAST), MOST)));
      out[n * size + i] = (mean[i] as number) + Math.fround(deviation * (noise.data[n * size + i] as number));
    }
  }
  return scaleLatents(new Tensor('float32', out, noise.dims), vae.config);
}

/** Whether a VAE gives a distribution, of which latents are drawn, and not the latents themselves. */
export function drawsLatents({ model }: Component): boolean {
  return model.entries['encode']?.outputs.includes('latents') !== true;
}

/** Unit noise for the latents of pictures: [n, …], or [count, …] where each result has a generator of its own. */
export function drawLatents(
  { generator, count }: LatentDraw,
  [pictures, ...rest]: readonly [number, ...number[]],
): Tensor {
  return generator.randn([generator instanceof BatchGenerator ? count : pictures, ...rest]);
}

/** One sample for each of `count` results: of one for all, of one for each, or of one for several results that follow one another. */
export function forResults(tensor: Tensor, count: number): Tensor {
  const [samples = 1, ...rest] = tensor.dims;
  if (samples === count) return tensor;
  const size = tensor.size / samples;
  const data = new Float32Array(count * size);
  for (let i = 0; i < count; i++)
    data.set(sliceBatch(tensor, pictureOf(i, count, samples), 1).data as Float32Array, i * size);
  return new Tensor('float32', data, [count, ...rest]);
}

/** Which picture is the i-th result's. */
function pictureOf(i: number, count: number, pictures: number): number {
  return Math.floor((i * pictures) / count);
}
