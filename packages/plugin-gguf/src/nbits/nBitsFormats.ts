import type { BlockBytes } from '../formats/blockFormat.js';
import { groupScalesOf } from '../formats/groupScales.js';

/** Elements that share a scale in the operator's layout, here. */
export const GROUP = 32;

/** A scale, and the code that stands for zero. */
export interface GroupScale {
  readonly scale: number;
  /** Absent in formats where it is the middle of the codes. */
  readonly zeroPoint?: number;
}

/** How the blocks of a format become what `com.microsoft.MatMulNBits` reads: groups of 32 codes along each row, each worth (code − zero point) · scale. */
export interface NBitsFormat {
  readonly bits: 4 | 8;
  /** Groups of a block. */
  readonly groups: number;
  /** Whether these are the format's values to the bit; else they are so but for rounding, because the format adds a minimum where the operator takes a zero point. */
  readonly exact: boolean;
  /** Writes the codes of the block that begins at `from[at]`. */
  readonly pack: (from: Uint8Array, at: number, to: Uint8Array, put: number) => void;
  readonly groupScale: (block: BlockBytes, group: number) => GroupScale;
}

/** By the type that tensors have in their file. */
export const nBitsFormats: ReadonlyMap<string, NBitsFormat> = new Map<string, NBitsFormat>([
  [
    'Q4_0',
    {
      bits: 4,
      groups: 1,
      exact: true,
      pack: (from, at, to, put) => pairNibbles(from, at + 2, 16, to, put),
      groupScale: ({ half }) => ({ scale: half(0) }),
    },
  ],
  [
    'Q4_1',
    {
      bits: 4,
      groups: 1,
      exact: false,
      pack: (from, at, to, put) => pairNibbles(from, at + 4, 16, to, put),
      groupScale: ({ half }) => withMinimum(half(0), half(2)),
    },
  ],
  [
    'Q4_K',
    {
      bits: 4,
      groups: 8,
      exact: false,
      pack(from, at, to, put) {
        for (let pair = 0; pair < 4; pair++) pairNibbles(from, at + 16 + 32 * pair, 32, to, put + 32 * pair);
      },
      groupScale(block, group) {
        const { scale, minimum } = groupScalesOf(block, group);
        return withMinimum(scale, -minimum);
      },
    },
  ],
  [
    'Q8_0',
    {
      bits: 8,
      groups: 1,
      exact: true,
      pack(from, at, to, put) {
        // Around 128, where the file has them with a sign.
        for (let i = 0; i < GROUP; i++) to[put + i] = (from[at + 2 + i] as number) ^ 0x80;
      },
      groupScale: ({ half }) => ({ scale: half(0) }),
    },
  ],
]);

/** Files have element i in the lower half of byte i and, `count` elements on, in the upper half; the operator has neighbours in one byte, the first one in its lower half. */
function pairNibbles(from: Uint8Array, at: number, count: number, to: Uint8Array, put: number): void {
  const half = count / 2;
  for (let i = 0; i < half; i++) {
    const first = from[at + 2 * i] as number;
    const second = from[at + 2 * i + 1] as number;
    to[put + i] = (first & 0x0f) | ((second & 0x0f) << 4);
    to[put + half + i] = (first >> 4) | (second & 0xf0);
  }
}

/** code · scale + minimum. Codes of equal elements, whose scale is 0, are worth nothing: a scale that is too small to be seen beside the minimum takes its place. */
function withMinimum(scale: number, minimum: number): GroupScale {
  const seen = scale === 0 ? Math.abs(minimum) * 2 ** -30 : scale;
  return { scale: Math.fround(seen), zeroPoint: seen === 0 ? 0 : Math.fround(-minimum / Math.fround(seen)) };
}
