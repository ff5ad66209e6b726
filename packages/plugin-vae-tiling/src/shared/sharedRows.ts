import type { Tensor } from '@thimble/core';
import {
  planSeamless,
  seamlessRows,
  type GroupStatistics,
  type SampleRows,
  type SeamlessOptions,
} from '@thimble/core/plugin';
import { tiledRows } from '../tiles/tiledRows.js';
import type { TilePlan } from '../tiles/TilePlan.js';
import { mosaicOf } from './mosaicOf.js';
import { TileDecoder } from './TileDecoder.js';

/**
 * Sides of the small picture that statistics are taken from, and of the patches it is made of, in latents: with these the error is within 2 %
 * of what exact statistics give; with 64 and 16, or the picture made half as large, it is a fifth more.
 */
const MOSAIC = 96;
const PATCH = 32;

/**
 * Blended tiles that are all normalised with the statistics of the whole picture, as estimated from a small one of its patches: one pass, no
 * tones that change from tile to tile.
 *
 * @param x float32 [1, c, h, w]
 * @param perLatent elements of `x` per latent, on each axis
 */
export async function* sharedRows(
  x: Tensor,
  tiles: TilePlan,
  perLatent: number,
  options: SeamlessOptions,
): AsyncGenerator<SampleRows> {
  const { component, entry, input, signal, progress } = options;
  const statistics = await statisticsOf(mosaicOf(x, MOSAIC * perLatent, PATCH * perLatent), options);
  await using decoder = new TileDecoder(component, entry, input, statistics);
  yield* tiledRows(x, tiles, async (tile) => decoder.run(tile, signal), progress);
}

async function statisticsOf(small: Tensor, options: SeamlessOptions): Promise<ReadonlyMap<string, GroupStatistics>> {
  const silent = { ...options, progress: () => undefined };
  let statistics: ReadonlyMap<string, GroupStatistics> = new Map();
  const parts = seamlessRows(small, await planSeamless(small, silent), silent, (found) => {
    statistics = found;
  });
  // What it looks like is of no use; only the numbers on the way are.
  for await (const part of parts) void part;
  return statistics;
}
