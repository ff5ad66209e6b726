import { add, builderOf, reshape } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/** Frames, rows and columns of patches. */
export interface PatchGrid {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** How far apart neighbouring patches count as, on each axis. */
export interface PositionScales {
  readonly spatial: number;
  readonly temporal: number;
}

/**
 * Adds sinusoidal positions to the patches of a video, [n, frames · height · width, features]: the first quarter of the features tells the
 * frame, the next three eighths the column, the rest the row (source: diffusers models/embeddings.py, `get_3d_sincos_pos_embed`).
 *
 * Each axis is added on its own: together they would be a table as large as the patches.
 */
export function addSincosPositions(x: Value, { frames, height, width }: PatchGrid, scales: PositionScales): Value {
  const features = x.dim(2);
  const [ofFrame, ofColumn] = [features / 4, (3 * features) / 8];
  const builder = builderOf(x);
  const grid = reshape(x, [x.dim(0), frames, height, width, features], [0, frames, height, width, features]);
  const frame = builder.constant(
    'float32',
    [frames, 1, 1, features],
    table(frames, features, 0, ofFrame, scales.temporal),
  );
  const column = builder.constant(
    'float32',
    [1, 1, width, features],
    table(width, features, ofFrame, ofColumn, scales.spatial),
  );
  const row = builder.constant(
    'float32',
    [1, height, 1, features],
    table(height, features, ofFrame + ofColumn, ofColumn, scales.spatial),
  );
  return reshape(add(add(add(grid, frame), column), row), x.dims, [0, -1, features]);
}

/** [length, features]: sines and cosines of the positions from feature `start` on, `count` of them, and zeros elsewhere. */
function table(length: number, features: number, start: number, count: number, scale: number): number[] {
  const data = Array.from({ length: length * features }, () => 0);
  const half = count / 2;
  for (let position = 0; position < length; position++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(position / scale) / 10000 ** (i / half);
      data[position * features + start + i] = Math.sin(angle);
      data[position * features + start + half + i] = Math.cos(angle);
    }
  }
  return data;
}
