import { checkMembers } from '../../../fields/checkMembers.js';
import { checkInteger, checkNumber } from '../../../fields/checkNumber.js';
import { refuseOption } from '../../../fields/refuseOption.js';
import { type Chunk, evenChunks } from '../evenChunks.js';
import { FLOAT32_BYTES } from '../float32Bytes.js';
import type { WinogradSite } from './WinogradSite.js';
import type { WinogradTile } from './winogradMatrices.js';

/** The taps of a kernel. */
const KERNEL = 9;

/** What lies between two products is read again at once: this much of it is in the last-level cache still. */
const CACHED_BYTES = 16 * 2 ** 20;

/** A strip of pixels is there twice while it is transformed, and a piece of the weights beside it. */
const PARTS = 6;

/** Some samples, and some rows of tiles of each. */
export interface WinogradStrip {
  readonly samples: Chunk;
  readonly rows: Chunk;
}

/** Into what parts a convolution falls. Transformed pixels are made for a strip, transformed weights for a piece, and each strip meets each piece. */
export interface WinogradPlan {
  readonly tile: WinogradTile;
  /** Tiles in a row, and rows of tiles of a sample. */
  readonly columns: number;
  readonly rows: number;
  readonly strips: readonly WinogradStrip[];
  /** Of the output channels. */
  readonly pieces: readonly Chunk[];
  /** What is gone through once; the other's parts are kept until the end. */
  readonly outer: 'strips' | 'pieces';
  /** Whether the weights stand in front in the product: better where tiles are fewer than output channels, because the kernel copies what stands behind. */
  readonly weightsFirst: boolean;
  /** About what it takes at once, beside what goes in and comes out. */
  readonly bytes: number;
}

/** Plans a convolution within `budget` bytes; `undefined` where it has no room. @throws ERR_ARGUMENT_INVALID for a tile that there is not, and a site or a budget that is none */
export function planWinograd(site: WinogradSite, tile: WinogradTile, budget: number): WinogradPlan | undefined {
  check(site, tile, budget);
  const { batch, inChannels, outChannels, outHeight, outWidth } = site;
  const area = (tile + 2) ** 2;
  const [columns, rows] = [Math.ceil(outWidth / tile), Math.ceil(outHeight / tile)];
  const part = Math.min(CACHED_BYTES, budget / PARTS);
  const rowBytes = area * columns * Math.max(inChannels, outChannels) * FLOAT32_BYTES;
  const channelBytes = inChannels * (area + KERNEL) * FLOAT32_BYTES;
  const strips = stripsOf(batch, rows, part / rowBytes);
  const pieces = evenChunks(outChannels, part / channelBytes);
  const [pixels, weights] = [batch * rows * rowBytes, outChannels * channelBytes];
  const largest = Math.max(...strips.map(rowsOf));
  const [strip, piece] = [largest * rowBytes, (pieces[0] as Chunk)[1] * channelBytes];
  const one = strips.length === 1 || pieces.length === 1;
  const outer = one || weights <= pixels ? 'strips' : 'pieces';
  // Beside what is made for one part, the other's parts are kept: all of them where there are several of both.
  const bytes = 2 * strip + piece + (one ? 0 : Math.min(weights, pixels));
  if (bytes > budget) return undefined;
  return { tile, columns, rows, strips, pieces, outer, weightsFirst: largest * columns < outChannels, bytes };
}

function check(site: WinogradSite, tile: WinogradTile, budget: number): void {
  const sizes = ['batch', 'inChannels', 'outChannels', 'height', 'width', 'outHeight', 'outWidth'] as const;
  checkMembers('site', site, 'a convolution with its sizes', ['node', ...sizes]);
  for (const size of sizes) checkInteger(`site.${size}`, site[size], 1);
  if (tile !== 2 && tile !== 4) refuseOption('tile', tile, '2 or 4');
  checkNumber('budget', budget, 0);
}

/** Whole samples where some fit, or else rows of one. */
function stripsOf(batch: number, rows: number, most: number): readonly WinogradStrip[] {
  if (rows <= most) return evenChunks(batch, most / rows).map((samples) => ({ samples, rows: [0, rows] }));
  const parts = evenChunks(rows, most);
  return Array.from({ length: batch }, (_, sample) =>
    parts.map((part) => ({ samples: [sample, 1] as const, rows: part })),
  ).flat();
}

function rowsOf({ samples, rows }: WinogradStrip): number {
  return samples[1] * rows[1];
}
