import { type Next, Tensor } from '@thimble/core';
import { blendHorizontally, blendVertically } from './blend.js';
import { Plane } from './Plane.js';
import type { AxisPlan, TilePlan } from './TilePlan.js';

/**
 * Computes `next` tile by tile and joins what comes out (source: diffusers models/autoencoders/autoencoder_kl.py, `tiled_decode` and
 * `tiled_encode`). Blending is in place, so a tile is blended with its neighbours as they are after their own blending. Of the tiles above only
 * the rows that are blended are kept.
 *
 * @param x float32 [n, c, h, w]
 */
export async function computeTiled(x: Tensor, { height, width }: TilePlan, next: Next<Tensor, Tensor>): Promise<Tensor> {
  const [count = 1, channels = 1, rows = 1, columns = 1] = x.dims;
  const source = new Plane(count * channels, rows, columns, x.data as Float32Array);
  const joined = new JoinedTiles(count, outLength(height, rows), outLength(width, columns));
  let above: readonly Plane[] = [];
  for (const [i, top] of startsOf(height, rows).entries()) {
    const row: Plane[] = [];
    let left: Plane | undefined;
    for (const [j, start] of startsOf(width, columns).entries()) {
      const piece = source.crop(top, start, height.tile, width.tile);
      const out = await next(new Tensor('float32', piece.data, [count, channels, piece.height, piece.width]));
      const [, outChannels = 1, outHeight = 1, outWidth = 1] = out.dims;
      const tile = new Plane(count * outChannels, outHeight, outWidth, out.data as Float32Array);
      if (i > 0) blendVertically(above[j] as Plane, tile, height.blend);
      if (left !== undefined) blendHorizontally(left, tile, width.blend);
      joined.add(tile.crop(0, 0, height.keep, width.keep), i * height.keep, j * width.keep, outChannels);
      left = tile.crop(0, Math.max(0, tile.width - width.blend), tile.height, width.blend);
      row.push(tile.crop(Math.max(0, tile.height - height.blend), 0, height.blend, tile.width));
    }
    above = row;
  }
  return joined.toTensor();
}

function startsOf({ stride }: AxisPlan, length: number): number[] {
  return Array.from({ length: Math.ceil(length / stride) }, (_, i) => i * stride);
}

/** What a whole axis gives: as much for each element as a kept piece has for a stride. */
function outLength(axis: AxisPlan, length: number): number {
  const { tile, keep, blend } = axis;
  const starts = startsOf(axis, length);
  const lastOut = Math.round((Math.min(tile, length - (starts.at(-1) as number)) * (keep + blend)) / tile);
  return (starts.length - 1) * keep + Math.min(keep, lastOut);
}

/** The whole picture, made when the first tile tells how many channels there are. */
class JoinedTiles {
  readonly #count: number;
  readonly #height: number;
  readonly #width: number;
  #channels = 0;
  #plane: Plane | undefined;

  constructor(count: number, height: number, width: number) {
    this.#count = count;
    this.#height = height;
    this.#width = width;
  }

  add(tile: Plane, top: number, left: number, channels: number): void {
    this.#channels = channels;
    this.#plane ??= new Plane(this.#count * channels, this.#height, this.#width);
    this.#plane.paste(tile, top, left);
  }

  toTensor(): Tensor {
    return new Tensor('float32', this.#plane?.data ?? new Float32Array(), [this.#count, this.#channels, this.#height, this.#width]);
  }
}
