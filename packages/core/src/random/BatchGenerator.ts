import { Tensor } from 'onnxruntime-common';
import { isList } from '../fields/isList.js';
import { refuseOption } from '../fields/refuseOption.js';
import { sizeOf } from './TorchGenerator.js';
import { ThimbleError } from '../errors.js';
import { drawNoise } from './drawNoise.js';
import type { Generator } from './Generator.js';

/** What one generator draws. */
interface Part {
  readonly generator: Generator;
  readonly rest: readonly number[];
  /** Its first element in the batch. */
  readonly start: number;
}

/**
 * One generator for each image of a batch: element n of the first axis is drawn from the n-th generator, so that an image
 * does not depend on what else is in the batch. As diffusers' `randn_tensor` does with a list of generators.
 */
export class BatchGenerator implements Generator {
  readonly #generators: readonly Generator[];

  /** @throws `ERR_ARGUMENT_INVALID` for what is no list of generators */
  constructor(generators: readonly Generator[]) {
    if (!isList(generators) || !generators.every((each?: Generator) => typeof each?.randn === 'function'))
      refuseOption('generators', generators, 'a list of generators');
    this.#generators = generators;
  }

  /**
   * Draws a float32 tensor of the shape `dims`, whose first axis is the batch.
   *
   * @throws `ERR_ARGUMENT_INVALID` if the batch is of another size than the list of generators
   */
  randn(dims: readonly number[]): Tensor {
    const { data, parts } = this.#partsOf(dims);
    for (const { generator, rest, start } of parts) data.set(generator.randn(rest).data as Float32Array, start);
    return new Tensor('float32', data, dims);
  }

  /** {@inheritDoc Generator.randnInSlices} */
  async randnInSlices(dims: readonly number[], signal?: AbortSignal): Promise<Tensor> {
    const { data, parts } = this.#partsOf(dims);
    for (const { generator, rest, start } of parts)
      data.set((await drawNoise(generator, rest, signal)).data as Float32Array, start);
    return new Tensor('float32', data, dims);
  }

  #partsOf(dims: readonly number[]): { readonly data: Float32Array; readonly parts: readonly Part[] } {
    sizeOf(dims);
    const [batch, ...rest] = dims;
    if (batch !== this.#generators.length) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'dims',
        value: dims,
        expected: `a batch of ${this.#generators.length}, one image for each generator`,
      });
    }
    const size = sizeOf(rest);
    const parts = this.#generators.map((generator, n) => ({ generator, rest: [1, ...rest], start: n * size }));
    return { data: new Float32Array(batch * size), parts };
  }
}
