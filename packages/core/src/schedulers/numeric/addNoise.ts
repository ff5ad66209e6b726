import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../../errors.js';
import { isList } from '../../fields/isList.js';
import { float32Data } from './tensors.js';

/**
 * Mixes an image with noise: `imageWeight · original + noiseWeight · noise`, with the weights of each sample's timestep.
 *
 * @param original float32 [N, …]
 * @param noise float32, of the same shape
 * @param timesteps N of them, or one for all
 * @param weightsAt the two weights at a timestep
 * @throws `ERR_ARGUMENT_INVALID` for another number of timesteps; `ERR_TENSOR_DTYPE`, `ERR_TENSOR_SHAPE`
 */
export function addNoise(
  original: Tensor,
  noise: Tensor,
  timesteps: readonly number[],
  weightsAt: (timestep: number) => readonly [image: number, noise: number],
): Tensor {
  const image = float32Data(original);
  const grain = float32Data(noise, original.dims);
  const batch = original.dims[0] ?? 1;
  if (!isList(timesteps) || (timesteps.length !== 1 && timesteps.length !== batch)) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'timesteps',
      value: timesteps,
      expected: `${batch} of them, one for each sample, or one`,
    });
  }
  const noisy = new Float32Array(image.length);
  const size = image.length / batch;
  for (let n = 0; n < batch; n++) {
    const [imageWeight, noiseWeight] = weightsAt(timesteps[n % timesteps.length]!);
    for (let i = n * size; i < (n + 1) * size; i++) noisy[i] = imageWeight * image[i]! + noiseWeight * grain[i]!;
  }
  return new Tensor('float32', noisy, original.dims);
}
