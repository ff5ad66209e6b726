import type { Plane } from './Plane.js';

/**
 * Blends the first rows of `tile` with the last rows of the one above, in place (diffusers' `blend_v`): the tile's own weight grows from 0.
 */
export function blendVertically(above: Plane, tile: Plane, extent: number): void {
  const rows = Math.min(above.height, tile.height, extent);
  for (let channel = 0; channel < tile.channels; channel++) {
    for (let y = 0; y < rows; y++) {
      const weight = y / rows;
      const from = (channel * above.height + above.height - rows + y) * above.width;
      const to = (channel * tile.height + y) * tile.width;
      for (let x = 0; x < tile.width; x++) mix(above, from + x, tile, to + x, weight);
    }
  }
}

/** Blends the first columns of `tile` with the last columns of the one to its left, in place (diffusers' `blend_h`). */
export function blendHorizontally(left: Plane, tile: Plane, extent: number): void {
  const columns = Math.min(left.width, tile.width, extent);
  for (let row = 0; row < tile.channels * tile.height; row++) {
    for (let x = 0; x < columns; x++)
      mix(left, (row + 1) * left.width - columns + x, tile, row * tile.width + x, x / columns);
  }
}

function mix(other: Plane, from: number, tile: Plane, at: number, weight: number): void {
  tile.data[at] = (other.data[from] as number) * (1 - weight) + (tile.data[at] as number) * weight;
}
