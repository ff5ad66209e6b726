import fc from 'fast-check';

/** Numbers that look random and follow from a seed (Mulberry32). */
export class Random {
  #state;

  constructor(seed) {
    this.#state = Math.imul(seed, 0x9e3779b1) | 0;
  }

  /** An integer from 0 to below `limit`. */
  below(limit) {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** One of some values. */
  of(values) {
    return values[this.below(values.length)];
  }

  /** Whether what happens once in `n` times happens. */
  oneIn(n) {
    return this.below(n) === 0;
  }
}

/** Of any seed: for inputs that are spoiled by chance. A seed has no smaller one. */
export const randoms = fc.noShrink(fc.noBias(fc.integer())).map((seed) => new Random(seed));
