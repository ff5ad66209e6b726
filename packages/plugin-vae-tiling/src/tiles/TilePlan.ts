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
  readonly overlap?: number | undefined;
  /** Distance to the next tile; in place of `overlap`. */
  readonly stride?: number | undefined;
}

/** The plan of decoding: latents go in, pixels come out. `scale` pixels are one latent. */
export function decodingAxis(size: TileSize, scale: number): AxisPlan {
  const { tile, stride } = wholeLatents(size, scale);
  return { tile, stride, blend: (tile - stride) * scale, keep: stride * scale };
}

/** The plan of encoding: pixels go in, latents come out. */
export function encodingAxis(size: TileSize, scale: number): AxisPlan {
  const { tile, stride } = wholeLatents(size, scale);
  return { tile: tile * scale, stride: stride * scale, blend: tile - stride, keep: stride };
}

/**
 * Tile and stride in latents, rounded down as in diffusers; the overlap is what is between them. diffusers rounds what is kept of a tile by itself, so that
 * where that is no whole number of latents its pictures come out in another size.
 */
function wholeLatents({ size, overlap = 0, stride }: TileSize, scale: number): { tile: number; stride: number } {
  const tile = Math.floor(size / scale);
  return { tile, stride: Math.floor(stride === undefined ? tile * (1 - overlap) : stride / scale) };
}
