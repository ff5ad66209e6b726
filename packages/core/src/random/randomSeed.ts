import { randomInt } from 'node:crypto';

/** A seed that nobody can guess, for a run without one: an integer in [0, 2^32), all that torch's CPU generator looks at. */
export function randomSeed(): number {
  return randomInt(2 ** 32);
}
