/**
 * A line of a key map, of parts between dots. In `from` and `to`, `{b}` is a number, the same in both, `{-b}` one that counts backwards from the largest there is, and `*`, the last part,
 * whatever is left. The first line that fits a key says what becomes of it.
 */
export interface KeyRule {
  /** The original key. */
  readonly from: string;
  /** Diffusers' key; several where the original is these one after the other, in equal parts of its rows, or in `shares` of them. */
  readonly to: string | readonly string[];
  /** How many equal parts of the rows each of `to` has. */
  readonly shares?: readonly number[];
  /** The original is a 1×1 convolution, diffusers' a matrix. */
  readonly squeezed?: true;
  /** The original lies transposed. */
  readonly transposed?: true;
  /** The halves of its rows lie the other way round in the original, as shift and scale; in all blocks, or in the last one alone: the one with the largest number. */
  readonly swapped?: 'always' | 'last';
}
