import type { Blocks } from './Blocks.js';
import type { BlockBytes } from './blockFormat.js';

/**
 * Scales and minima of the 8 groups of Q4_K and Q5_K: two float16, by which six bits each are multiplied. Of the 12 bytes after them, the first eight hold six bits for
 * groups 0 to 3, and in their upper two bits what the last four, of four bits twice, lack for groups 4 to 7.
 *
 * @returns values [..., 8, 1]
 */
export function groupScales(blocks: Blocks): { readonly scale: string; readonly minimum: string } {
  const [a, b, c] = [blocks.bytes(4, 8), blocks.bytes(8, 12), blocks.bytes(12, 16)];
  const upper = (bytes: string): string => blocks.shiftLeft(blocks.shiftRight(bytes, 6), 4);
  const scales = blocks.concat(blocks.and(a, 63), blocks.or(blocks.and(c, 0x0f), upper(a)));
  const minima = blocks.concat(blocks.and(b, 63), blocks.or(blocks.shiftRight(c, 4), upper(b)));
  const times = (codes: string, at: number): string =>
    blocks.reshape(blocks.multiply(blocks.float(codes), blocks.half(at)), [8, 1]);
  return { scale: times(scales, 0), minimum: times(minima, 2) };
}

/** The same of one group, outside of graphs. */
export function groupScalesOf(
  { byte, half }: BlockBytes,
  group: number,
): { readonly scale: number; readonly minimum: number } {
  const [first, second, third] = [byte(4 + (group & 3)), byte(8 + (group & 3)), byte(12 + (group & 3))];
  const [scale, minimum] =
    group < 4 ? [first & 63, second & 63] : [(third & 0x0f) | ((first >> 6) << 4), (third >> 4) | ((second >> 6) << 4)];
  return { scale: Math.fround(half(0) * scale), minimum: Math.fround(half(2) * minimum) };
}
