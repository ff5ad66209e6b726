/** What both processes take beside a VAE's activations, in bytes. */
const ENGINE_BYTES = 110 * 2 ** 20;

/** Activations that are there at once where they are largest: at full size, between two layers. */
const TENSORS_AT_ONCE = 4;

const FLOAT32_BYTES = 4;

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

/**
 * Side of a tile, in pixels: the VAE's own where there is room, else the largest whose activations fit the limit. With SD's VAE (256 channels at
 * full size) 4 KB a pixel, which is what was measured: 1.06 GB for 512×512.
 */
export function tileThatFits({ sampleSize, scale, widestChannels, pixels, memoryLimit }: TileNeeds): number {
  if (memoryLimit === undefined) return sampleSize;
  const room = Math.max(0, memoryLimit - ENGINE_BYTES) / (TENSORS_AT_ONCE * FLOAT32_BYTES * widestChannels);
  if (pixels <= room) return sampleSize;
  const latents = Math.floor(Math.sqrt(room) / scale / LATENTS) * LATENTS;
  return Math.min(sampleSize, Math.max(2 * LATENTS, latents) * scale);
}
