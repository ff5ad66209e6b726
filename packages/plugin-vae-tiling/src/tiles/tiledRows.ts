import { Tensor } from '@thimble/core';
import { type Next, type SampleRows } from '@thimble/core/plugin';
import { blendHorizontally, blendVertically } from './blend.js';
import { Plane } from './Plane.js';
import type { AxisPlan, TilePlan } from './TilePlan.js';

/**
 * Computes one picture tile by tile and gives what comes out row of tiles by row of tiles (source: diffusers
 * models/autoencoders/autoencoder_kl.py, `tiled_decode` and `tiled_encode`). Blending is in place, so a tile is blended with its neighbours as
 * they are after their own blending. Of the tiles above only the rows that are blended are kept.
 *
 * @param x float32 [1, c, h, w]; of a video [1, c, frames, h, w], the frames of a tile are computed together
 * @param progress told after every tile
 */
export async function* tiledRows(
  x: Tensor,
  { height, width }: TilePlan,
  next: Next<Tensor, Tensor>,
  progress: (done: number, total: number) => void,
): AsyncGenerator<SampleRows> {
  const [rows = 1, columns = 1] = x.dims.slice(-2);
  const source = planeOf(x);
  let planes: readonly number[] = [];
  const [tops, lefts] = [startsOf(height, rows), startsOf(width, columns)];
  let above: readonly Plane[] = [];
  for (const [i, top] of tops.entries()) {
    const row: Plane[] = [];
    let left: Plane | undefined;
    let joined: Plane | undefined;
    for (const [j, start] of lefts.entries()) {
      const out = await next(tensorOf(source.crop(top, start, height.tile, width.tile), planesOf(x)));
      planes = planesOf(out);
      const tile = planeOf(out);
      if (i > 0) blendVertically(above[j] as Plane, tile, height.blend);
      if (left !== undefined) blendHorizontally(left, tile, width.blend);
      joined ??= new Plane(tile.channels, Math.min(height.keep, tile.height), outLength(width, columns));
      joined.paste(tile.crop(0, 0, height.keep, width.keep), 0, j * width.keep);
      left = tile.crop(0, Math.max(0, tile.width - width.blend), tile.height, width.blend);
      row.push(tile.crop(Math.max(0, tile.height - height.blend), 0, height.blend, tile.width));
      progress(i * lefts.length + j + 1, tops.length * lefts.length);
    }
    above = row;
    yield { index: 0, top: i * height.keep, height: outLength(height, rows), rows: tensorOf(joined as Plane, planes) };
  }
}

/** The axes between the sample's and the rows': channels, or channels and frames. */
function planesOf({ dims }: Tensor): readonly number[] {
  return dims.slice(1, -2);
}

function planeOf(tensor: Tensor): Plane {
  const [height = 1, width = 1] = tensor.dims.slice(-2);
  return new Plane(
    planesOf(tensor).reduce((a, b) => a * b, 1),
    height,
    width,
    tensor.data as Float32Array,
  );
}

function tensorOf({ data, height, width }: Plane, planes: readonly number[]): Tensor {
  return new Tensor('float32', data, [1, ...planes, height, width]);
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
