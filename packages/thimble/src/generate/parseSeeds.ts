import { InvalidArgumentError } from 'commander';

/** `7` → 7, for all images; `1,2,3` → one for each. */
export function parseSeeds(text: string): number | readonly number[] {
  const seeds = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (!seeds.every(Number.isSafeInteger))
    throw new InvalidArgumentError('Expected a whole number, or one for each image: 1,2,3.');
  return seeds.length === 1 ? (seeds[0] as number) : seeds;
}
