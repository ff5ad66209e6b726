import type { TokenGrid } from './TokenGrid.js';

/** Which tokens of a grid others may be merged into, and which may be merged: places in row order, ascending. */
export interface TokenSplit {
  readonly destinations: readonly number[];
  readonly sources: readonly number[];
}

/**
 * One destination in each cell of `sx` × `sy` tokens; all others are sources, those beyond the last whole cell too (source: tomesd's `bipartite_soft_matching_random2d`). Which one
 * of a cell it is looks drawn, and is the same for the same `seed`, so that a picture is.
 */
export function splitTokens({ height, width }: TokenGrid, sx: number, sy: number, seed: string): TokenSplit {
  const next = drawing(seed);
  const chosen = new Set<number>();
  for (let y = 0; y + sy <= height; y += sy) {
    for (let x = 0; x + sx <= width; x += sx) {
      const place = next() % (sx * sy);
      chosen.add((y + Math.floor(place / sx)) * width + x + (place % sx));
    }
  }
  const all = Array.from({ length: height * width }, (_, i) => i);
  return { destinations: all.filter((i) => chosen.has(i)), sources: all.filter((i) => !chosen.has(i)) };
}

/** FNV-1a of a text, then Marsaglia's xorshift: whole numbers of 32 bits. */
function drawing(seed: string): () => number {
  let state = 0x811c9dc5;
  for (const letter of seed) state = Math.imul(state ^ (letter.codePointAt(0) as number), 0x01000193) >>> 0;
  state = state || 1;
  return () => {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    return state;
  };
}
