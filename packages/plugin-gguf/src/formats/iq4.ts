import { blockFormat } from './blockFormat.js';
import { nibbles, nibblesOf } from './nibbles.js';

/** What the sixteen codes stand for (`kvalues_iq4nl` of ggml). */
const VALUES = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** Blocks of 32: a scale, then four bits each that stand for uneven steps. */
export const iq4NL = blockFormat({
  dtype: 'IQ4_NL',
  values: (blocks) => blocks.multiply(blocks.lookUp(VALUES, nibbles(blocks, blocks.bytes(2, 18))), blocks.half(0)),
  decode({ byte, half }, put) {
    const scale = half(0);
    for (const code of nibblesOf(byte, 2)) put(scale * (VALUES[code] as number));
  },
});

const NIBBLES = { shifts: [0, 4], sizes: [2] };
const PAIRS = { shifts: [0, 2, 4, 6], sizes: [4] };

/** Blocks of 256 in 8 groups of 32: a scale, six bits of scale around 32 for each group (upper two, then lower four), then codes as those of {@link iq4NL}. */
export const iq4XS = blockFormat({
  dtype: 'IQ4_XS',
  values: (blocks) => {
    const upper = blocks.and(blocks.shiftRight(blocks.reshape(blocks.bytes(2, 4), [2, 1]), PAIRS), 3);
    const lower = blocks.and(blocks.shiftRight(blocks.reshape(blocks.bytes(4, 8), [4, 1]), NIBBLES), 0x0f);
    const scales = blocks.or(blocks.reshape(lower, [8]), blocks.shiftLeft(blocks.reshape(upper, [8]), 4));
    const scale = blocks.multiply(blocks.subtract(blocks.float(scales), 32), blocks.half(0));
    const codes = nibbles(blocks, blocks.reshape(blocks.bytes(8, 136), [8, 16]));
    return blocks.multiply(blocks.lookUp(VALUES, codes), blocks.reshape(scale, [8, 1]));
  },
  decode({ byte, half }, put) {
    const scale = half(0);
    for (let group = 0; group < 8; group++) {
      const lower = (byte(4 + (group >> 1)) >> ((group & 1) * 4)) & 0x0f;
      const upper = (byte(2 + (group >> 2)) >> ((group & 3) * 2)) & 3;
      const scaled = Math.fround(scale * ((lower | (upper << 4)) - 32));
      for (const code of nibblesOf(byte, 8 + group * 16)) put(scaled * (VALUES[code] as number));
    }
  },
});
