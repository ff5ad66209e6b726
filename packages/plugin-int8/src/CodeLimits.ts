/**
 * What codes of weights may be for sums of their products with activations of uint8 to be exact.
 *
 * x86 without VNNI multiplies two bytes each of activations and weights, adds the two products in 16 bits, where the sum saturates, and only that to the
 * rest, in 32 bits (`vpmaddubsw`). 255 · 128 fits.
 */
export interface CodeLimits {
  /** Largest magnitude of a code. */
  readonly code: number;
  /** Largest magnitude of the sum of two codes that are multiplied together: the first and the second of a column, the third and the fourth, and so on. */
  readonly pair: number;
}

/** Limits by what a device's sums are like. */
export const CODE_LIMITS = {
  /** Sums in 32 bits, as by VNNI and on ARM: all eight bits. */
  exact: { code: 127, pair: Infinity },
  /** Sums of neighbours in 16 bits: all eight bits, but not by two neighbours at once. */
  paired: { code: 127, pair: 128 },
  /** Sums of any two in 16 bits: seven bits. */
  saturating: { code: 63, pair: Infinity },
} as const satisfies Record<string, CodeLimits>;

/** What a device's sums are like. */
export type Int8Sums = keyof typeof CODE_LIMITS;
