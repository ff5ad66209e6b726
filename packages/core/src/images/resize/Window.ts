import type { Filter } from './Filter.js';

/** Weights are integers, this many bits to the left. */
export const PRECISION_BITS = 22;

/** What one element of an axis is made of: elements from `start` on, with their weights. */
export interface Window {
  readonly start: number;
  /** Sum to about 2 to {@link PRECISION_BITS}. */
  readonly weights: Int32Array;
}

/** The window of each element of an axis that `size` elements become of those between `from` and `to`, out of `length`. */
export function windowsOf(
  length: number,
  [from, to]: readonly [from: number, to: number],
  size: number,
  filter: Filter,
): readonly Window[] {
  const scale = (to - from) / size;
  const wider = Math.max(scale, 1);
  const reach = filter.support * wider;
  return Array.from({ length: size }, (_, i) => {
    const center = from + (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(length, Math.trunc(center + reach + 0.5));
    const shares = Array.from({ length: end - start }, (__, x) =>
      filter.weight((x + start - center + 0.5) * (1 / wider)),
    );
    const sum = shares.reduce((total, share) => total + share, 0);
    return { start, weights: Int32Array.from(shares, (share) => toFixedPoint(sum === 0 ? share : share / sum)) };
  });
}

/** Rounded half away from zero. */
function toFixedPoint(share: number): number {
  const bits = share * 2 ** PRECISION_BITS;
  return Math.trunc(bits < 0 ? bits - 0.5 : bits + 0.5);
}
