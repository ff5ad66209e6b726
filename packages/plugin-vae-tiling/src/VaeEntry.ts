import type { TilingDefaults } from '@thimble/core/model';
import type { ComponentHandle } from '@thimble/core/plugin';
import { decodingAxis, encodingAxis, type AxisPlan, type TileSize } from './tiles/TilePlan.js';

/** diffusers' `sample_size` of an `AutoencoderKL`. */
const DEFAULT_SAMPLE_SIZE = 32;

/** diffusers' `tile_sample_min_size` of an `AutoencoderTiny`, whose config has no `sample_size`. */
const TINY_SAMPLE_SIZE = 512;

/** An entry point of a VAE, and how its pixels and latents hang together. */
export interface VaeEntry {
  readonly name: 'decode' | 'encode';
  /** The name of its input. */
  readonly input: string;
  readonly planAxis: (size: TileSize, scale: number) => AxisPlan;
  /** Pixels for each element of the input, on each axis. */
  readonly pixels: number;
  /** The VAE's own tile size, in pixels. */
  readonly sampleSize: number;
  /** Pixels per latent, on each axis. */
  readonly scale: number;
  /** Channels of the largest activations, which are those at full size. */
  readonly widestChannels: number;
  /** The VAE's own way, of videos. */
  readonly tiling: TilingDefaults | undefined;
}

/** diffusers takes a list too: its first number counts, for both sides. */
function sampleSizeOf({ config, model }: ComponentHandle): number {
  const size =
    config['sample_size'] ?? (model.className === 'AutoencoderTiny' ? TINY_SAMPLE_SIZE : DEFAULT_SAMPLE_SIZE);
  return Number(Array.isArray(size) ? size[0] : size);
}

/** `vae.decode({ z })` or `vae.encode({ x })` of a component. */
export function vaeEntry(component: ComponentHandle, name: VaeEntry['name']): VaeEntry {
  const { config, model } = component;
  const channels = Array.isArray(config['block_out_channels']) ? (config['block_out_channels'] as number[]) : [64];
  const scale = 2 ** (channels.length - 1);
  const sizes = {
    sampleSize: sampleSizeOf(component),
    scale,
    widestChannels: channels[1] ?? channels[0] ?? 64,
    tiling: model.tiling,
  };
  return name === 'decode'
    ? { name, input: 'z', planAxis: decodingAxis, pixels: scale, ...sizes }
    : { name, input: 'x', planAxis: encodingAxis, pixels: 1, ...sizes };
}
