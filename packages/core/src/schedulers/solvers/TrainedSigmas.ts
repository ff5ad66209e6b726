import { interpolate } from '../numeric/numpy.js';

/** What √ᾱ is left of the image at the last timestep of a schedule that ends in pure noise: the smallest float16, so that σ is finite. */
const LEAST_ALPHA = 2 ** -24;

/**
 * σ = √((1 - ᾱ) / ᾱ) of each training timestep, rising with the timestep, rounded to float32 as in diffusers.
 */
export class TrainedSigmas {
  readonly alphasCumprod: Float32Array;
  /** By timestep. */
  readonly rising: Float32Array;
  readonly #logs: Float32Array;

  private constructor(alphasCumprod: Float32Array) {
    this.alphasCumprod = alphasCumprod;
    this.rising = alphasCumprod.map((alpha) => Math.sqrt(Math.fround(Math.fround(1 - alpha) / alpha)));
    this.#logs = this.rising.map(Math.log);
  }

  /** From ᾱ of each training timestep, of which the last one may be 0. */
  static of(alphasCumprod: Float32Array, config: { readonly rescale_betas_zero_snr?: boolean }): TrainedSigmas {
    if (config.rescale_betas_zero_snr !== true) return new TrainedSigmas(alphasCumprod);
    const finite = alphasCumprod.slice();
    finite[finite.length - 1] = LEAST_ALPHA;
    return new TrainedSigmas(finite);
  }

  get falling(): number[] {
    return [...this.rising].reverse();
  }

  get least(): number {
    return this.rising[0]!;
  }

  get most(): number {
    return this.rising[this.rising.length - 1]!;
  }

  /** σ at a timestep, which may lie between two trained ones. */
  at(timestep: number): number {
    return interpolate(this.rising, timestep);
  }

  /** The timestep of a σ: by interpolation of its logarithm; the first or the last one where it is beyond them. */
  timestepOf(sigma: number): number {
    const logSigma = Math.log(Math.max(sigma, 1e-10));
    const above = this.#logs.findIndex((log) => log > logSigma);
    const low = above < 0 ? this.#logs.length - 2 : Math.min(Math.max(above - 1, 0), this.#logs.length - 2);
    const [lowLog, highLog] = [this.#logs[low]!, this.#logs[low + 1]!];
    const share = Math.min(Math.max((lowLog - logSigma) / (lowLog - highLog), 0), 1);
    return (1 - share) * low + share * (low + 1);
  }
}
