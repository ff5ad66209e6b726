import type { Blocks } from './Blocks.js';
import { blockFormat } from './blockFormat.js';

const PAIRS = { shifts: [0, 2, 4, 6], sizes: [4, 1] };

/** Blocks of 256 in 16 groups of 16: four bits of scale and four of minimum for each group, two bits for each element, then the scales of both. */
export const q2K = blockFormat({
  dtype: 'Q2_K',
  values: (blocks) => {
    const groups = blocks.bytes(0, 16);
    const scale = blocks.multiply(blocks.float(blocks.and(groups, 0x0f)), blocks.half(80));
    const minimum = blocks.multiply(blocks.float(blocks.shiftRight(groups, 4)), blocks.half(82));
    const codes = blocks.reshape(blocks.float(twoBits(blocks, blocks.bytes(16, 80))), [16, 16]);
    const scaled = blocks.multiply(codes, blocks.reshape(scale, [16, 1]));
    return blocks.subtract(scaled, blocks.reshape(minimum, [16, 1]));
  },
  decode({ byte, half }, put) {
    const [scale, minimum] = [half(80), half(82)];
    for (let i = 0; i < 256; i++) {
      const group = byte(i >> 4);
      const code = twoBitsOf(byte, 16, i);
      put(Math.fround(Math.fround(scale * (group & 0x0f)) * code) - Math.fround(minimum * (group >> 4)));
    }
  },
});

/** Two bits each of 64 bytes: [2, 4, 32]. The bytes are two times 32; first come the lowest bits of 32 bytes, last their highest. */
export function twoBits(blocks: Blocks, bytes: string): string {
  return blocks.and(blocks.shiftRight(blocks.reshape(bytes, [2, 1, 32]), PAIRS), 3);
}

/** Those of element `i`, of the 64 bytes from `at` on. */
export function twoBitsOf(byte: (at: number) => number, at: number, i: number): number {
  return (byte(at + (i >> 7) * 32 + (i & 31)) >> (((i >> 5) & 3) * 2)) & 3;
}
