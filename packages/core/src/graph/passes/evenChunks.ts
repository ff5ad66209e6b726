/** A piece of an axis: its first index, and its length. */
export type Chunk = readonly [start: number, count: number];

/** Cuts `length` (at least 1) into as few pieces of at most `most` (at least 1, Infinity for one piece) as there can be, all of one size but the last. */
export function evenChunks(length: number, most: number): readonly Chunk[] {
  const count = Math.max(1, Math.ceil(length / Math.max(1, Math.floor(most))));
  const size = Math.ceil(length / count);
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => [i * size, Math.min(size, length - i * size)]);
}
