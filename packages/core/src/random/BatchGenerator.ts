import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { Generator } from './Generator.js';

/**
 * One generator for each image of a batch: element n of the first axis is drawn from the n-th generator, so that an image
 * does not depend on what else is in the batch. As diffusers' `randn_tensor` does with a list of generators.
 */
export class BatchGenerator implements Generator {
  readonly #generators: readonly Generator[];

  constructor(generators: readonly Generator[]) {
    this.#generators = generators;
  }

  /**
   * Draws a float32 tensor of the shape `dims`, whose first axis is the batch.
   *
   * @throws `ERR_ARGUMENT_INVALID` if the batch is of another size than the list of generators
   */
  randn(dims: readonly number[]): Tensor {
    const [batch, ...rest] = dims;
    if (batch !== this.#generators.length) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'dims',
        value: dims,
        expected: `a batch of ${this.#generators.length}, one image for each generator`,
      });
    }
    const size = rest.reduce((product, dim) => product * dim, 1);
    const data = new Float32Array(batch * size);
    for (const [n, generator] of this.#generators.entries()) {
      data.set(generator.randn([1, ...rest]).data as Float32Array, n * size);
    }
    return new Tensor('float32', data, dims);
  }
}
