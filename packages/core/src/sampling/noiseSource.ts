import { checkMembers } from '../fields/checkMembers.js';
import { checkInteger } from '../fields/checkNumber.js';
import type { Tensor } from 'onnxruntime-common';
import { isList } from '../fields/isList.js';
import { refuseOption } from '../fields/refuseOption.js';
import { BatchGenerator } from '../random/BatchGenerator.js';
import type { Generator } from '../random/Generator.js';
import { randomSeed, TorchGenerator } from '../random/TorchGenerator.js';

/** More than one run makes. */
const MOST_PICTURES = 2 ** 16;

/** What a run's noise is to be drawn from. */
export interface NoiseOptions {
  readonly seed: number | bigint | readonly (number | bigint)[] | undefined;
  readonly generator: Generator | readonly Generator[] | undefined;
  readonly latents: Tensor | undefined;
}

/** Where a run draws its noise from. */
export interface NoiseSource {
  /** The seed of each image; empty where a `generator` or `latents` and no noise were given. */
  readonly seeds: readonly number[];
  readonly generator: Generator;
}

/** Where noise comes from: one generator for the whole batch, or one per image, as diffusers' list of generators. @throws ERR_ARGUMENT_INVALID for a list that has not one for each of `count` images */
export function noiseSource(options: NoiseOptions, count: number): NoiseSource {
  checkMembers('options', options, '{ seed, generator, latents }', []);
  const { seed, generator, latents } = options;
  checkInteger('count', count, 0, MOST_PICTURES);
  checkLength('seed', seed, `an integer, or a list of ${count}, one per image`, count);
  checkLength('generator', generator, `a generator, or a list of ${count}, one per image`, count);
  if (generator !== undefined)
    return { seeds: [], generator: isList(generator) ? new BatchGenerator(generator) : generator };
  if (isList(seed))
    return {
      seeds: seed.map(lowBits),
      generator: new BatchGenerator(seed.map((one) => new TorchGenerator(one))),
    };
  const single = seed === undefined ? randomSeed() : lowBits(seed);
  const known = seed === undefined && latents !== undefined ? [] : Array.from({ length: count }, () => single);
  return { seeds: known, generator: new TorchGenerator(single) };
}

function checkLength(name: string, value: unknown, expected: string, count: number): void {
  if (isList(value) && value.length !== count) refuseOption(name, value, expected);
}

/** What torch's generator looks at of a seed that is no number. */
function lowBits(seed: number | bigint): number {
  return typeof seed === 'bigint' ? Number(BigInt.asUintN(32, seed)) : seed;
}
