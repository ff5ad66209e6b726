import { Tensor } from 'onnxruntime-common';
import type { ModelConfig } from '../fields/ConfigReader.js';

/** Old configs have no `scaling_factor`: it was the same for all of them. */
const DEFAULT_SCALING_FACTOR = 0.18215;

/** FLUX.2's has the statistics of a batch norm in place of a factor, and normalises latents itself. */
function scalingFactorOf({ scaling_factor: factor, batch_norm_eps: normalizes }: ModelConfig): number {
  return Number(factor ?? (normalizes === undefined ? DEFAULT_SCALING_FACTOR : 1));
}

/** What undoes the scaling of a latent of a channel before it is decoded, by the VAE's config: its factor and shift, or each channel's mean and deviation. */
export function latentUnscaler(config: ModelConfig): (value: number, channel: number) => number {
  const { shift_factor: shift, latents_mean: means, latents_std: deviations } = config;
  const scale = scalingFactorOf(config);
  if (Array.isArray(means) && Array.isArray(deviations))
    return (value, channel) =>
      Math.fround(Math.fround(value * Number(deviations[channel])) / scale) + Number(means[channel]);
  return (value) => Math.fround(value / scale) + Number(shift ?? 0);
}

/** Latents of the VAE with this config as denoisers take them; channels are the third axis from the end. */
export function scaleLatents(latents: Tensor, config: ModelConfig): Tensor {
  const { shift_factor: shift, latents_mean: means, latents_std: deviations } = config;
  const scale = scalingFactorOf(config);
  const [channels, height, width] = latents.dims.slice(-3) as [number, number, number];
  const plane = height * width;
  const scaled =
    Array.isArray(means) && Array.isArray(deviations)
      ? (value: number, channel: number): number =>
          Math.fround(Math.fround(value - Number(means[channel])) * scale) / Number(deviations[channel])
      : (value: number): number => Math.fround(value - Number(shift ?? 0)) * scale;
  const data = (latents.data as Float32Array).map((value, i) => scaled(value, Math.floor(i / plane) % channels));
  return new Tensor('float32', data, latents.dims);
}

/** Latents as the VAE with this config decodes them; channels are the third axis from the end. */
export function unscaleLatents(latents: Tensor, config: ModelConfig): Tensor {
  const unscale = latentUnscaler(config);
  const [channels, height, width] = latents.dims.slice(-3) as [number, number, number];
  const plane = height * width;
  const data = (latents.data as Float32Array).map((value, i) => unscale(value, Math.floor(i / plane) % channels));
  return new Tensor('float32', data, latents.dims);
}
