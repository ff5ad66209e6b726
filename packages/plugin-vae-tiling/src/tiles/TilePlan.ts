/** How one axis is cut into tiles; lengths in elements of what goes in or of what comes out. */
export interface AxisPlan {
  /** Length of a tile that goes in. */
  readonly tile: number;
  /** Distance from one tile to the next, going in. */
  readonly stride: number;
  /** What is blended with the tile before, coming out. */
  readonly blend: number;
  /** What of each tile is kept, coming out. */
  readonly keep: number;
}

/** How a picture is cut into tiles. */
export interface TilePlan {
  readonly height: AxisPlan;
  readonly width: AxisPlan;
}

/** Sizes of tiles on one axis, in pixels: diffusers' `tile_sample_min_*` with an overlap or a stride. */
export interface TileSize {
  readonly size: number;
  /** Share of the tile that overlaps the next. */
  readonly overlap?: number;
  /** Distance to the next tile; in place of `overlap`. */
  readonly stride?: number;
}

/** The plan of decoding: latents go in, pixels come out. `scale` pixels are one latent. Rounding is diffusers'. */
export function decodingAxis({ size, overlap = 0, stride }: TileSize, scale: number): AxisPlan {
  const tile = Math.floor(size / scale);
  if (stride !== undefined) return { tile, stride: Math.floor(stride / scale), blend: size - stride, keep: stride };
  const blend = Math.floor(size * overlap);
  return { tile, stride: Math.floor(tile * (1 - overlap)), blend, keep: size - blend };
}

/** The plan of encoding: pixels go in, latents come out. */
export function encodingAxis({ size, overlap = 0, stride }: TileSize, scale: number): AxisPlan {
  const latent = Math.floor(size / scale);
  if (stride !== undefined)
    return { tile: size, stride, blend: latent - Math.floor(stride / scale), keep: Math.floor(stride / scale) };
  const blend = Math.floor(latent * overlap);
  return { tile: size, stride: Math.floor(size * (1 - overlap)), blend, keep: latent - blend };
}
