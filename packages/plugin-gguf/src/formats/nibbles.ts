import type { Blocks } from './Blocks.js';

/** Four bits each of bytes on the last axis: the lower halves of all, then the upper ones. */
export function nibbles(blocks: Blocks, bytes: string): string {
  return blocks.concat(blocks.and(bytes, 0x0f), blocks.shiftRight(bytes, 4));
}

/** The same of 16 bytes from `at` on, outside of graphs. */
export function* nibblesOf(byte: (at: number) => number, at: number): Generator<number, void> {
  for (let i = 0; i < 16; i++) yield byte(at + i) & 0x0f;
  for (let i = 0; i < 16; i++) yield byte(at + i) >> 4;
}
