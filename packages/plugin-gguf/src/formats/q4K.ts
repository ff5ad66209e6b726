import { blockFormat } from './blockFormat.js';
import { groupScales, groupScalesOf } from './groupScales.js';
import { nibbles } from './nibbles.js';

/** Blocks of 256 in 8 groups of 32: two scales, six bits of scale and of minimum for each group, then four bits for each element. */
export const q4K = blockFormat({
  dtype: 'Q4_K',
  values: (blocks) => {
    const { scale, minimum } = groupScales(blocks);
    const codes = blocks.float(nibbles(blocks, blocks.reshape(blocks.bytes(16, 144), [4, 32])));
    return blocks.subtract(blocks.multiply(blocks.reshape(codes, [8, 32]), scale), minimum);
  },
  decode(block, put) {
    for (let group = 0; group < 8; group++) {
      const { scale, minimum } = groupScalesOf(block, group);
      for (let i = 0; i < 32; i++) {
        const code = (block.byte(16 + (group >> 1) * 32 + i) >> ((group & 1) * 4)) & 0x0f;
        put(Math.fround(scale * code) - minimum);
      }
    }
  },
});

const EACH_BIT = { shifts: [0, 1, 2, 3, 4, 5, 6, 7], sizes: [8, 1] };

/** As {@link q4K}, with the fifth bits of all before the four. */
export const q5K = blockFormat({
  dtype: 'Q5_K',
  values: (blocks) => {
    const { scale, minimum } = groupScales(blocks);
    const fifth = blocks.and(blocks.shiftRight(blocks.reshape(blocks.bytes(16, 48), [1, 32]), EACH_BIT), 1);
    const four = blocks.reshape(nibbles(blocks, blocks.reshape(blocks.bytes(48, 176), [4, 32])), [8, 32]);
    const codes = blocks.float(blocks.or(four, blocks.shiftLeft(fifth, 4)));
    return blocks.subtract(blocks.multiply(codes, scale), minimum);
  },
  decode(block, put) {
    for (let group = 0; group < 8; group++) {
      const { scale, minimum } = groupScalesOf(block, group);
      for (let i = 0; i < 32; i++) {
        const four = (block.byte(48 + (group >> 1) * 32 + i) >> ((group & 1) * 4)) & 0x0f;
        const fifth = (block.byte(16 + i) >> group) & 1;
        put(Math.fround(scale * (four | (fifth << 4))) - minimum);
      }
    }
  },
});
