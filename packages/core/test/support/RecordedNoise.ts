import type { Tensor } from 'onnxruntime-common';
import type { Generator } from '../../src/random/Generator.js';

/** Hands out recorded noise, in order. */
export class RecordedNoise implements Generator {
  readonly #draws: Tensor[];

  constructor(draws: readonly Tensor[]) {
    this.#draws = [...draws];
  }

  get left(): number {
    return this.#draws.length;
  }

  randn(dims: readonly number[]): Tensor {
    const next = this.#draws.shift();
    if (next === undefined || next.dims.join() !== dims.join())
      throw new Error(`no recorded noise of [${dims.join()}]`);
    return next;
  }
}
