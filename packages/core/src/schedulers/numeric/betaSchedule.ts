import {
  choiceField,
  type ConfigField,
  type ConfigValues,
  type Field,
  integerField,
  numberField,
  numbersField,
} from '../../fields/Field.js';
import { linspace32 } from './numpy.js';

/** How β grows over the training timesteps. */
export type BetaScheduleName = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2' | 'exp' | 'laplace' | 'sigmoid';

/** The `beta_schedule` that every scheduler takes, and what some take beside. */
export function betaScheduleField(
  value: BetaScheduleName,
  more: readonly BetaScheduleName[] = [],
): ConfigField<BetaScheduleName> {
  return choiceField<BetaScheduleName>(value, ['linear', 'scaled_linear', 'squaredcos_cap_v2', ...more]);
}

/** Timesteps that a model was trained with: schedulers keep tables of them, which a mistaken number must not fill the memory with. */
export const trainTimestepsField = integerField(1000, 1, 100_000);

/** How much noise a timestep adds: none to all. */
function betaField(value: number): Field<number> {
  return numberField(value, 0, 1);
}

const trainedBetasField: Field<readonly number[] | null> = {
  ...numbersField(),
  expected: 'a list of numbers from 0 to 1, or null',
  accepts: (x) => numbersField().accepts(x) && ((x as number[] | null) ?? []).every((beta) => beta >= 0 && beta <= 1),
};

/** The config fields that decide how much noise each training timestep adds. */
export const betaFields = {
  num_train_timesteps: trainTimestepsField,
  beta_start: betaField(0.0001),
  beta_end: betaField(0.02),
  beta_schedule: betaScheduleField('linear'),
  trained_betas: trainedBetasField,
};

/** Those of them with the defaults of schedulers that were made for Stable Diffusion. */
export const stableDiffusionBetaFields = { beta_start: betaField(0.00085), beta_end: betaField(0.012) };

/** Values of {@link betaFields}. */
export type BetaConfig = ConfigValues<typeof betaFields>;

/** β of each training timestep, rounded to float32 as in diffusers: `trained_betas` if given, else by `beta_schedule`. */
export function betaSchedule(config: BetaConfig): Float32Array {
  const { num_train_timesteps: count, beta_start: start, beta_end: end } = config;
  if (config.trained_betas) return Float32Array.from(config.trained_betas);
  switch (config.beta_schedule) {
    case 'linear':
      return linspace32(start, end, count);
    case 'scaled_linear':
      return linspace32(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
    case 'sigmoid':
      return linspace32(-6, 6, count).map((x) => (end - start) / (1 + Math.exp(-x)) + start);
    default:
      return betasForAlphaBar(count, ALPHA_BARS[config.beta_schedule]);
  }
}

/** ᾱ as a function of the time from 0 to 1. */
const ALPHA_BARS: Readonly<Record<'squaredcos_cap_v2' | 'exp' | 'laplace', (t: number) => number>> = {
  squaredcos_cap_v2: (t) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2,
  exp: (t) => Math.exp(-12 * t),
  laplace: (t) => {
    const logSnr = (t > 0.5 ? 0.5 : -0.5) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
    const snr = Math.exp(logSnr);
    return Math.sqrt(snr / (1 + snr));
  },
};

/** Source: A. Nichol, P. Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021, eq. 17. */
function betasForAlphaBar(count: number, alphaBar: (t: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999),
  );
}

/** The noise of each training timestep, rounded to float32 as in diffusers. */
export function trainedNoise(config: BetaConfig & { readonly rescale_betas_zero_snr?: boolean }): {
  readonly betas: Float32Array;
  readonly alphasCumprod: Float32Array;
} {
  const plain = betaSchedule(config);
  const betas = config.rescale_betas_zero_snr === true ? rescaleZeroTerminalSnr(plain) : plain;
  return { betas, alphasCumprod: alphasCumprod(betas) };
}

/** ᾱ of each training timestep: the running product of 1 - β, multiplied in float64 and rounded to float32, as torch does. */
function alphasCumprod(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => (product *= Math.fround(1 - beta)));
}

/**
 * Rescales betas so that nothing but noise is left at the last timestep. Only each α is rounded to float32.
 *
 * Source: S. Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023, algorithm 1.
 */
function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
  const alphaBars = rescaleAlphasCumprod(alphasCumprod(betas));
  return Float32Array.from(
    alphaBars,
    (alphaBar, i) => 1 - Math.fround(i === 0 ? alphaBar : alphaBar / alphaBars[i - 1]!),
  );
}

/**
 * ᾱ with √ᾱ shifted to end at 0 and scaled to start where it did. In float64, because torch's float32 square root differs from machine
 * to machine.
 */
export function rescaleAlphasCumprod(alphaBars: Float32Array | Float64Array): Float64Array {
  const roots = Float64Array.from(alphaBars, Math.sqrt);
  const first = roots[0]!;
  const last = roots[roots.length - 1]!;
  return roots.map((root) => ((root - last) * (first / (first - last))) ** 2);
}
