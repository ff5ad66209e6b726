import { blockFormat } from './blockFormat.js';

/** Blocks of 32: a scale, then eight bits with sign each. */
export const q8_0 = blockFormat({
  dtype: 'Q8_0',
  values: (blocks) => blocks.multiply(blocks.float(blocks.signed(2, 34)), blocks.half(0)),
  decode({ byte, half }, put) {
    const scale = half(0);
    for (let i = 2; i < 34; i++) put(((byte(i) << 24) >> 24) * scale);
  },
});
