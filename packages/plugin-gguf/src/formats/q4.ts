import { blockFormat } from './blockFormat.js';
import { nibbles, nibblesOf } from './nibbles.js';

/** Blocks of 32: a scale, then four bits each, around 8. */
export const q4_0 = blockFormat({
  dtype: 'Q4_0',
  values: (blocks) => {
    const codes = blocks.float(nibbles(blocks, blocks.bytes(2, 18)));
    return blocks.multiply(blocks.subtract(codes, 8), blocks.half(0));
  },
  decode({ byte, half }, put) {
    const scale = half(0);
    for (const code of nibblesOf(byte, 2)) put((code - 8) * scale);
  },
});

/** Blocks of 32: a scale and a minimum, then four bits each. */
export const q4_1 = blockFormat({
  dtype: 'Q4_1',
  values: (blocks) => {
    const codes = blocks.float(nibbles(blocks, blocks.bytes(4, 20)));
    return blocks.add(blocks.multiply(codes, blocks.half(0)), blocks.half(2));
  },
  decode({ byte, half }, put) {
    const [scale, minimum] = [half(0), half(2)];
    for (const code of nibblesOf(byte, 4)) put(Math.fround(code * scale) + minimum);
  },
});
