const WORDS = 624;
const SHIFT = 397;

/**
 * The mt19937 engine: a stream of 32-bit words.
 *
 * Source: M. Matsumoto, T. Nishimura, "Mersenne Twister", 1998 (`init_genrand`, 2002); torch's `at::mt19937` is the same.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(WORDS);
  #next = WORDS;

  /** @param seed an integer in [0, 2^32) */
  constructor(seed: number) {
    this.#state[0] = seed;
    for (let i = 1; i < WORDS; i++) {
      const previous = this.#state[i - 1]!;
      this.#state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** The next word, an integer in [0, 2^32). */
  next(): number {
    if (this.#next === WORDS) this.#twist();
    let word = this.#state[this.#next++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < WORDS; i++) {
      const mixed = (state[i]! & 0x80000000) | (state[(i + 1) % WORDS]! & 0x7fffffff);
      state[i] = state[(i + SHIFT) % WORDS]! ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
