import { blockFormat } from './blockFormat.js';
import { twoBits, twoBitsOf } from './q2K.js';

const EACH_BIT = { shifts: [0, 1, 2, 3, 4, 5, 6, 7], sizes: [2, 4, 1] };
const PAIRS = { shifts: [0, 2, 4, 6], sizes: [4, 1] };

/** Blocks of 256 in 16 groups of 16: third bits of all, two bits for each element, six bits of scale around 32 for each group, then the scale of those. */
export const q3K = blockFormat({
  dtype: 'Q3_K',
  values: (blocks) => {
    const third = blocks.and(blocks.shiftRight(blocks.reshape(blocks.bytes(0, 32), [1, 1, 32]), EACH_BIT), 1);
    const codes = blocks.or(twoBits(blocks, blocks.bytes(32, 96)), blocks.shiftLeft(third, 2));
    const values = blocks.subtract(blocks.reshape(blocks.float(codes), [16, 16]), 4);
    const low = blocks.bytes(96, 104);
    const lows = blocks.concat(blocks.and(low, 0x0f), blocks.shiftRight(low, 4));
    const pairs = blocks.and(blocks.shiftRight(blocks.reshape(blocks.bytes(104, 108), [1, 4]), PAIRS), 3);
    const scales = blocks.float(blocks.or(lows, blocks.shiftLeft(blocks.reshape(pairs, [16]), 4)));
    const scale = blocks.multiply(blocks.subtract(scales, 32), blocks.half(108));
    return blocks.multiply(values, blocks.reshape(scale, [16, 1]));
  },
  decode({ byte, half }, put) {
    const scale = half(108);
    for (let i = 0; i < 256; i++) {
      const group = i >> 4;
      const low = group < 8 ? byte(96 + group) & 0x0f : byte(88 + group) >> 4;
      const high = (byte(104 + (group & 3)) >> ((group >> 2) * 2)) & 3;
      const third = (byte(i & 31) >> (i >> 5)) & 1;
      put(Math.fround(scale * ((low | (high << 4)) - 32)) * ((twoBitsOf(byte, 32, i) | (third << 2)) - 4));
    }
  },
});
