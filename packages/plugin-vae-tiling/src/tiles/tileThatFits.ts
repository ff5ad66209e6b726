import { bytesPerPixel, ENGINE_BYTES } from '../memoryNeeds.js';

/** Tiles are a multiple of this many latents, and no smaller than twice this. */
const LATENTS = 8;

/** What decides the size of a tile. */
export interface TileNeeds {
  /** The VAE's own tile size, in pixels. */
  readonly sampleSize: number;
  /** Pixels per latent, on each axis. */
  readonly scale: number;
  /** Channels of the largest activations. */
  readonly widestChannels: number;
  /** Of the whole picture. */
  readonly pixels: number;
  /** In bytes. */
  readonly memoryLimit: number | undefined;
}

/** Side of a tile, in pixels: the VAE's own where there is room, else the largest whose activations fit the limit. */
export function tileThatFits({ sampleSize, scale, widestChannels, pixels, memoryLimit }: TileNeeds): number {
  if (memoryLimit === undefined) return sampleSize;
  const room = Math.max(0, memoryLimit - ENGINE_BYTES) / bytesPerPixel(widestChannels);
  if (pixels <= room) return sampleSize;
  const latents = Math.floor(Math.sqrt(room) / scale / LATENTS) * LATENTS;
  return Math.min(sampleSize, Math.max(2 * LATENTS, latents) * scale);
}
