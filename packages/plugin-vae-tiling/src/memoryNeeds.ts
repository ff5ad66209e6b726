import { freemem } from 'node:os';

/** What both processes take beside a VAE's activations, in bytes. */
export const ENGINE_BYTES = 110 * 2 ** 20;

/** Activations that are there at once where they are largest: at full size, between two layers. */
const TENSORS_AT_ONCE = 4;

const FLOAT32_BYTES = 4;

/** Share of what is left that a plugin takes by default: the rest is for the page cache, and for what was not foreseen. */
const SHARE = 0.5;

/** Less than this is not worth planning for: a strip has two rows at least. */
const LEAST = 24 * 2 ** 20;

/** Bytes that a pixel takes in a VAE that is computed whole, where its layers are widest: with SD's 4 KB, which is what was measured. */
export function bytesPerPixel(widestChannels: number): number {
  return TENSORS_AT_ONCE * FLOAT32_BYTES * widestChannels;
}

/** Bytes of a pixel as a picture: in memory, and once more while it is written. */
const PICTURE_BYTES = 6;

/** What a decoding may take, in bytes, where nothing else is said: half of what the limit, or the machine, leaves. */
export function defaultBudget(memoryLimit: number | undefined, pixels: number): number {
  const left = memoryLimit === undefined ? freemem() : memoryLimit - ENGINE_BYTES - pixels * PICTURE_BYTES;
  return Math.max(LEAST, Math.floor(left * SHARE));
}
