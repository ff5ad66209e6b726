import { BatchGenerator } from '../random/BatchGenerator.js';
import type { Generator } from '../random/Generator.js';
import { randomSeed, TorchGenerator } from '../random/TorchGenerator.js';
import type { GenerateOptions } from '../run/GenerateOptions.js';

/** Where noise comes from: one generator for the whole batch, or one per image, as diffusers' list of generators. */
export function noiseSource(
  { seed, generator, latents }: GenerateOptions,
  count: number,
): { seeds: readonly number[]; generator: Generator } {
  if (generator !== undefined)
    return { seeds: [], generator: isList(generator) ? new BatchGenerator(generator) : generator };
  if (isList(seed)) return { seeds: seed, generator: new BatchGenerator(seed.map((one) => new TorchGenerator(one))) };
  const single = seed ?? randomSeed();
  const known = seed === undefined && latents !== undefined ? [] : Array.from({ length: count }, () => single);
  return { seeds: known, generator: new TorchGenerator(single) };
}

function isList<T>(value: T | readonly T[] | undefined): value is readonly T[] {
  return Array.isArray(value);
}
