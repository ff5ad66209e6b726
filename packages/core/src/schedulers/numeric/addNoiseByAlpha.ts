import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../../errors.js';
import { atTimestep } from './atTimestep.js';
import { float32Data } from './tensors.js';

/**
 * `√ᾱ · original + √(1 - ᾱ) · noise`, with the ᾱ of each sample's timestep.
 *
 * @param alphasCumprod ᾱ of each training timestep
 * @param original float32 [N, …]
 * @param noise float32, of the same shape
 * @param timesteps N of them, or one for all
 * @throws `ERR_ARGUMENT_INVALID` for another number of timesteps or one that was not trained; `ERR_TENSOR_SHAPE`
 *
 * Source: J. Ho et al., "Denoising Diffusion Probabilistic Models", 2020, eq. 4; diffusers' `add_noise`.
 */
export function addNoiseByAlpha(
  alphasCumprod: ArrayLike<number>,
  original: Tensor,
  noise: Tensor,
  timesteps: readonly number[],
): Tensor {
  const batch = original.dims[0] ?? 1;
  if (timesteps.length !== 1 && timesteps.length !== batch) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'timesteps',
      value: timesteps,
      expected: `${batch} of them, one for each sample, or one`,
    });
  }
  const image = float32Data(original);
  const grain = float32Data(noise, original.dims);
  const noisy = new Float32Array(image.length);
  const size = image.length / batch;
  for (let n = 0; n < batch; n++) {
    const alpha = atTimestep(alphasCumprod, timesteps[n % timesteps.length]!);
    const [imageWeight, noiseWeight] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)];
    for (let i = n * size; i < (n + 1) * size; i++) noisy[i] = imageWeight * image[i]! + noiseWeight * grain[i]!;
  }
  return new Tensor('float32', noisy, original.dims);
}
