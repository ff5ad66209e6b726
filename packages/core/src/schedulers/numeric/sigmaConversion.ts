import { ThimbleError } from '../../errors.js';
import { booleanField, type ConfigValues } from '../../fields/Field.js';
import { linspace } from './numpy.js';

/** The config fields that choose how noise levels are spaced, in place of the trained ones. */
export const sigmaFields = {
  use_karras_sigmas: booleanField(false),
  use_exponential_sigmas: booleanField(false),
  use_beta_sigmas: booleanField(false),
};

/** Values of {@link sigmaFields}. */
export type SigmaConfig = ConfigValues<typeof sigmaFields>;

/** Spaces `count` noise levels between two. */
export type SigmaConversion = (sigmaMin: number, sigmaMax: number, count: number) => number[];

/**
 * The spacing that a config asks for; undefined where it leaves the noise levels as they are.
 *
 * @throws `ERR_CONFIG_INVALID` if it asks for more than one
 */
export function sigmaConversion(className: string, config: SigmaConfig): SigmaConversion | undefined {
  const asked = CONVERSIONS.filter(([field]) => config[field]);
  if (asked.length > 1) {
    const [first, second] = asked.map(([field]) => field) as [string, string];
    throw new ThimbleError('ERR_CONFIG_INVALID', {
      component: className,
      field: second,
      value: true,
      expected: `false while "${first}" is true`,
    });
  }
  return asked[0]?.[1];
}

const CONVERSIONS: readonly (readonly [keyof SigmaConfig, SigmaConversion])[] = [
  ['use_karras_sigmas', karrasSigmas],
  ['use_exponential_sigmas', exponentialSigmas],
  ['use_beta_sigmas', betaSigmas],
];

/** Source: T. Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, eq. 5. */
function karrasSigmas(sigmaMin: number, sigmaMax: number, count: number): number[] {
  const rho = 7;
  const [least, most] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho)];
  return linspace(0, 1, count).map((ramp) => (most + ramp * (least - most)) ** rho);
}

/** Evenly in the logarithm. */
function exponentialSigmas(sigmaMin: number, sigmaMax: number, count: number): number[] {
  return linspace(Math.log(sigmaMax), Math.log(sigmaMin), count).map(Math.exp);
}

/** Source: T. Lee et al., "Beta Sampling is All You Need", 2024. */
function betaSigmas(sigmaMin: number, sigmaMax: number, count: number): number[] {
  const shape = 0.6;
  return linspace(0, 1, count).map((x) => sigmaMin + betaQuantile(1 - x, shape) * (sigmaMax - sigmaMin));
}

/**
 * The quantile function of the symmetric beta distribution with both parameters `shape`, to about 1e-14.
 *
 * @param probability from 0 to 1
 */
function betaQuantile(probability: number, shape: number): number {
  if (probability > 0.5) return 1 - betaQuantile(1 - probability, shape);
  const target = probability * 2 * halfMass(0.5, shape);
  let [low, high] = [0, 0.5];
  for (let i = 0; i < 200 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (halfMass(middle, shape) < target) low = middle;
    else high = middle;
  }
  return high;
}

/** ∫₀ˣ (t (1 - t))^(shape - 1) dt for x ≤ 1/2, by the power series of the second factor: each term is less than half of the one before. */
function halfMass(x: number, shape: number): number {
  let coefficient = 1;
  let sum = 0;
  for (let n = 0; n < 60; n++) {
    sum += (coefficient * x ** (shape + n)) / (shape + n);
    coefficient *= (n + 1 - shape) / (n + 1);
  }
  return sum;
}
