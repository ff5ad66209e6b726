import { Tensor } from 'onnxruntime-common';
import type { ModelConfig } from '../fields/ConfigReader.js';

/** Old configs have no `scaling_factor`: it was the same for all of them. */
const DEFAULT_SCALING_FACTOR = 0.18215;

/** What undoes the scaling of latents before they are decoded, by the VAE's config. */
export function latentUnscaler({ scaling_factor: scale, shift_factor: shift }: ModelConfig): (value: number) => number {
  return (value) => Math.fround(value / Number(scale ?? DEFAULT_SCALING_FACTOR)) + Number(shift ?? 0);
}

/** Latents as the VAE with this config decodes them. */
export function unscaleLatents(latents: Tensor, config: ModelConfig): Tensor {
  return new Tensor('float32', (latents.data as Float32Array).map(latentUnscaler(config)), latents.dims);
}
