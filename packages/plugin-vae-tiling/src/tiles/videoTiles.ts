import type { TilingDefaults } from '@thimble/core/model';
import type { TileSize } from './TilePlan.js';

const ENGINE_BYTES = 110 * 2 ** 20;
const FLOAT32_BYTES = 4;
/** Activations that are there at once, of all frames of a piece and the two before it: what goes into a layer, the same with those frames, and the cache. */
const TENSORS_AT_ONCE = 3;
const FRAMES_BEFORE = 2;

/** What decides the size of a video's tiles. */
export interface VideoTileNeeds {
  readonly tiling: TilingDefaults;
  /** Pixels per latent, on each axis. */
  readonly scale: number;
  /** Channels of the largest activations. */
  readonly widestChannels: number;
  /** In bytes. */
  readonly memoryLimit: number | undefined;
}

/** The tiles of a video: the VAE's own, or smaller ones of about the same shape, whose overlap is whole latents, under a memory limit. */
export function videoTiles({
  tiling,
  scale,
  widestChannels,
  memoryLimit,
}: VideoTileNeeds): readonly [height: TileSize, width: TileSize] {
  const { height, width, overlapHeight, overlapWidth, frames } = tiling;
  const share =
    memoryLimit === undefined
      ? 1
      : Math.sqrt(
          Math.max(0, memoryLimit - ENGINE_BYTES) /
            (TENSORS_AT_ONCE * FLOAT32_BYTES * widestChannels * (frames + FRAMES_BEFORE)) /
            (height * width),
        );
  const fit = (size: number, overlap: number): number => {
    if (share >= 1) return size;
    const unit = Math.round(1 / overlap) * scale;
    return Math.min(size, Math.max(unit, Math.floor((size * share) / unit) * unit));
  };
  return [
    { size: fit(height, overlapHeight), overlap: overlapHeight },
    { size: fit(width, overlapWidth), overlap: overlapWidth },
  ];
}
