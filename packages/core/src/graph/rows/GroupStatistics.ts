import { checkInteger } from '../../fields/checkNumber.js';

/** More than any layer has. */
const MOST_GROUPS = 2 ** 16;

/**
 * Mean and variance of each group of a picture's channels, put together from those of its parts: means and sums of squared distances are
 * merged pairwise, which loses nothing however many parts there are (Chan, Golub and LeVeque, 1979).
 */
export class GroupStatistics {
  readonly #mean: Float64Array;
  readonly #m2: Float64Array;
  #count = 0;

  constructor(groups: number) {
    checkInteger('groups', groups, 1, MOST_GROUPS);
    this.#mean = new Float64Array(groups);
    this.#m2 = new Float64Array(groups);
  }

  /** Adds a part of `count` elements a group. */
  add(mean: Float32Array, m2: Float32Array, count: number): void {
    const total = this.#count + count;
    for (let group = 0; group < this.#mean.length; group++) {
      const delta = (mean[group] as number) - (this.#mean[group] as number);
      this.#m2[group]! += (m2[group] as number) + (delta * delta * this.#count * count) / total;
      this.#mean[group]! += (delta * count) / total;
    }
    this.#count = total;
  }

  /** The mean of each channel's group. */
  means(channels: number): Float32Array {
    return this.#byChannel(channels, (group) => this.#mean[group] as number);
  }

  /** 1 / sqrt(variance + epsilon) of each channel's group. */
  deviations(channels: number, epsilon: number): Float32Array {
    return this.#byChannel(channels, (group) => 1 / Math.sqrt((this.#m2[group] as number) / this.#count + epsilon));
  }

  #byChannel(channels: number, valueOf: (group: number) => number): Float32Array {
    const size = channels / this.#mean.length;
    return Float32Array.from({ length: channels }, (_, channel) => valueOf(Math.floor(channel / size)));
  }
}
