import { freemem } from 'node:os';
import { MemoryBudget } from '@thimble/core/plugin';

/** What both processes take beside a VAE's activations, in bytes. */
export const ENGINE_BYTES = 110 * 2 ** 20;

/** Activations that are there at once where they are largest: at full size, between two layers. */
const TENSORS_AT_ONCE = 4;

const FLOAT32_BYTES = 4;

/** Share of what the machine leaves that is taken by default. */
const SHARE = 0.5;

/** Bytes that a pixel takes in a VAE that is computed whole, where its layers are widest: with SD's 4 KB, which is what was measured. */
export function bytesPerPixel(widestChannels: number): number {
  return TENSORS_AT_ONCE * FLOAT32_BYTES * widestChannels;
}

/** What decoding or encoding may take, in bytes, where nothing else is said: half of what the limit, or the machine, leaves. */
export function defaultBudget(memoryLimit: number | undefined, pixels: number, entry: 'decode' | 'encode'): number {
  return memoryLimit === undefined
    ? Math.floor(freemem() * SHARE)
    : new MemoryBudget(memoryLimit).stripBytes(pixels, entry);
}
