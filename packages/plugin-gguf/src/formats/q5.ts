import { blockFormat } from './blockFormat.js';
import type { Blocks } from './Blocks.js';
import { nibbles, nibblesOf } from './nibbles.js';

const BITS = { shifts: [0, 1, 2, 3, 4, 5, 6, 7], sizes: [8] };

/** Blocks of 32: a scale, the fifth bits of all, then the other four, around 16. */
export const q5_0 = blockFormat({
  dtype: 'Q5_0',
  values: (blocks) => blocks.multiply(blocks.subtract(codes(blocks, 2), 16), blocks.half(0)),
  decode({ byte, half }, put) {
    const scale = half(0);
    for (const code of codesOf(byte, 2)) put((code - 16) * scale);
  },
});

/** Blocks of 32: a scale and a minimum, the fifth bits of all, then the other four. */
export const q5_1 = blockFormat({
  dtype: 'Q5_1',
  values: (blocks) => blocks.add(blocks.multiply(codes(blocks, 4), blocks.half(0)), blocks.half(2)),
  decode({ byte, half }, put) {
    const [scale, minimum] = [half(0), half(2)];
    for (const code of codesOf(byte, 4)) put(Math.fround(code * scale) + minimum);
  },
});

/** The codes of a block whose fifth bits are in the four bytes from `at` on: element i's is bit i % 8 of byte i / 8. */
function codes(blocks: Blocks, at: number): string {
  const spread = blocks.shiftRight(blocks.reshape(blocks.bytes(at, at + 4), [4, 1]), BITS);
  const fifth = blocks.shiftLeft(blocks.and(blocks.reshape(spread, [32]), 1), 4);
  return blocks.float(blocks.or(nibbles(blocks, blocks.bytes(at + 4, at + 20)), fifth));
}

function* codesOf(byte: (at: number) => number, at: number): Generator<number, void> {
  let i = 0;
  for (const code of nibblesOf(byte, at + 4)) {
    yield code | (((byte(at + (i >> 3)) >> (i & 7)) & 1) << 4);
    i++;
  }
}
