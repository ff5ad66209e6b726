import { type BetaConfig, trainedNoise } from '../numeric/betaSchedule.js';
import { clamp, interpolate } from '../numeric/numpy.js';
import { allTimesteps } from '../numeric/spacedTimesteps.js';
import type { SigmaSchedule } from './SigmaRun.js';

/**
 * ᾱ of the last timestep of a schedule that ends in pure noise: not 0, so that σ is finite. The number is diffusers', the smallest
 * float16.
 */
const LEAST_ALPHA = 2 ** -24;

/**
 * The noise levels that a model was trained with: σ = √((1 - ᾱ) / ᾱ) of each training timestep, rising with the timestep, rounded to
 * float32 as in diffusers.
 */
export class TrainedSigmas {
  /** β of each training timestep. */
  readonly betas: Float32Array;
  /** ᾱ of each training timestep. */
  readonly alphasCumprod: Float32Array;
  /** The schedule of all training timesteps. */
  readonly schedule: SigmaSchedule;
  readonly #sigmas: Float32Array;
  readonly #logs: Float32Array;

  constructor(config: BetaConfig & { readonly rescale_betas_zero_snr?: boolean }) {
    const { betas, alphasCumprod } = trainedNoise(config);
    if (config.rescale_betas_zero_snr === true) alphasCumprod[alphasCumprod.length - 1] = LEAST_ALPHA;
    this.betas = betas;
    this.alphasCumprod = alphasCumprod;
    this.#sigmas = alphasCumprod.map((alpha) => Math.sqrt(Math.fround(Math.fround(1 - alpha) / alpha)));
    this.#logs = this.#sigmas.map(Math.log);
    this.schedule = { timesteps: allTimesteps(config), sigmas: [...this.#sigmas.toReversed(), 0] };
  }

  /** The smallest one, of timestep 0. */
  get least(): number {
    return this.#sigmas[0]!;
  }

  /** The largest one, of the last timestep. */
  get most(): number {
    return this.#sigmas[this.#sigmas.length - 1]!;
  }

  /** σ at a timestep, which may lie between two trained ones. */
  at(timestep: number): number {
    return interpolate(this.#sigmas, timestep);
  }

  /** The timestep of a σ: by interpolation of its logarithm; the first or the last one where it is beyond them. */
  timestepOf(sigma: number): number {
    const logSigma = Math.log(Math.max(sigma, 1e-10));
    const above = this.#logs.findIndex((log) => log > logSigma);
    const low = above < 0 ? this.#logs.length - 2 : clamp(above - 1, 0, this.#logs.length - 2);
    const [lowLog, highLog] = [this.#logs[low]!, this.#logs[low + 1]!];
    const share = clamp((lowLog - logSigma) / (lowLog - highLog), 0, 1);
    return (1 - share) * low + share * (low + 1);
  }
}
