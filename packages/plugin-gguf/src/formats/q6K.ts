import { blockFormat } from './blockFormat.js';
import { nibbles } from './nibbles.js';
import { twoBits, twoBitsOf } from './q2K.js';

/** Blocks of 256 in 16 groups of 16: four bits and two bits for each element, around 32, eight bits of scale for each group, then the scale of those. */
export const q6K = blockFormat({
  dtype: 'Q6_K',
  values: (blocks) => {
    const four = nibbles(blocks, blocks.reshape(blocks.bytes(0, 128), [2, 64]));
    const two = blocks.reshape(twoBits(blocks, blocks.bytes(128, 192)), [2, 128]);
    const codes = blocks.subtract(blocks.float(blocks.or(four, blocks.shiftLeft(two, 4))), 32);
    const scale = blocks.multiply(blocks.float(blocks.signed(192, 208)), blocks.half(208));
    return blocks.multiply(blocks.reshape(codes, [16, 16]), blocks.reshape(scale, [16, 1]));
  },
  decode({ byte, half }, put) {
    const scale = half(208);
    for (let i = 0; i < 256; i++) {
      const four = (byte((i >> 7) * 64 + (i & 63)) >> (((i >> 6) & 1) * 4)) & 0x0f;
      const group = Math.fround(scale * ((byte(192 + (i >> 4)) << 24) >> 24));
      put(group * ((four | (twoBitsOf(byte, 128, i) << 4)) - 32));
    }
  },
});
