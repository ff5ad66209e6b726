import { Tensor } from '@thimble/core';
import { Plane } from '../tiles/Plane.js';

/**
 * A small picture put together from patches of a large one that lie evenly all over it: it has the large one's statistics, and its details at
 * their own size.
 *
 * @param x float32 [1, c, h, w]
 * @param size sides of the mosaic, at most
 * @param patch sides of a patch
 */
export function mosaicOf(x: Tensor, size: number, patch: number): Tensor {
  const [, channels = 1, height = 1, width = 1] = x.dims;
  const source = new Plane(channels, height, width, x.data as Float32Array);
  const [rows, columns] = [placesOf(height, size, patch), placesOf(width, size, patch)];
  const mosaic = new Plane(channels, lengthOf(rows), lengthOf(columns));
  let top = 0;
  for (const row of rows) {
    let left = 0;
    for (const column of columns) {
      mosaic.paste(source.crop(row.from, column.from, row.length, column.length), top, left);
      left += column.length;
    }
    top += row.length;
  }
  return new Tensor('float32', mosaic.data, [1, channels, mosaic.height, mosaic.width]);
}

interface Place {
  readonly from: number;
  readonly length: number;
}

/** The whole axis if it is short, else patches of it. */
function placesOf(length: number, size: number, patch: number): readonly Place[] {
  if (length <= size) return [{ from: 0, length }];
  const count = Math.max(2, Math.floor(size / patch));
  return Array.from({ length: count }, (_, i) => ({
    from: Math.round((i * (length - patch)) / (count - 1)),
    length: patch,
  }));
}

function lengthOf(places: readonly Place[]): number {
  return places.reduce((sum, { length }) => sum + length, 0);
}
