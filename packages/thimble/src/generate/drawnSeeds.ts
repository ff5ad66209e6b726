import { randomSeed } from '@thimble/core';

/** What people give for a seed that is to be drawn. */
const ANY = -1;

/** The options of a run in which a seed of -1 is drawn, as elsewhere. */
export function drawnSeeds(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { seed, ...others } = options;
  if (seed === undefined || seed === ANY) return others;
  if (!Array.isArray(seed)) return { ...others, seed };
  return { ...others, seed: (seed as unknown[]).map((one) => (one === ANY ? randomSeed() : one)) };
}
