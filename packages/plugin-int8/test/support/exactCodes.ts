import { Tensor } from '@thimble/core';
import type { CodeLimits, Int8Sums } from '../../src/CodeLimits.js';

/** Small whole numbers, the same at every run. */
export function integers(count: number, least: number, most: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return least + (Math.floor(state / 2 ** 8) % (most - least + 1));
  });
}

/** Largest magnitude of the activations, and what weights are made of: whole numbers that these limits let be codes as they are. */
export interface Codes {
  readonly activation: 127 | 255;
  readonly limits: Int8Sums;
}

/** Activations that uint8 holds exactly: whole numbers, of which the first is 255 and so makes the scale 1; where the others are smaller, it has zeros beside it. */
export function exactInput(dims: readonly number[], { activation }: Codes): Tensor {
  const data = integers(product(dims), 0, activation, 7);
  const [, channels = 1, ...rest] = dims;
  if (activation < 255) for (let channel = 1; channel < channels; channel++) data[channel * product(rest)] = 0;
  data[0] = 255;
  return new Tensor('float32', data, dims);
}

/** Weights that int8 holds exactly: whole numbers, in each row one of the largest magnitude; of two neighbours the second keeps their sum within the limits. */
export function exactWeight(
  [rows = 1, channels = 1, ...rest]: readonly number[],
  { code, pair }: CodeLimits,
): Float32Array {
  const taps = product(rest);
  const width = channels * taps;
  const data = integers(rows * width, -code, code, 3);
  for (let start = 0; start < data.length; start += width) {
    // Columns go tap by tap, and the channels within.
    const at = (place: number): number => start + (place % channels) * taps + Math.floor(place / channels);
    data[at(0)] = code;
    for (let place = 1; place < width; place += 2) {
      const first = data[at(place - 1)]!;
      data[at(place)] = Math.min(Math.max(data[at(place)]!, 1 - pair - first), pair - 1 - first);
    }
  }
  return data;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}
