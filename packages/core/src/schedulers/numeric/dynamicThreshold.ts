import { Tensor } from 'onnxruntime-common';
import { clamp } from './clamp.js';
import { float32Data } from './float32Data.js';
import { quantile } from './quantile.js';

/**
 * Dynamic thresholding of a predicted image: each sample of the batch is clamped to [-s, s] and divided by s, where s is the
 * `ratio`-quantile of its magnitudes, held in [1, `maxValue`].
 *
 * @param sample float32 [N, …]
 * @returns a new float32 tensor of the same shape, in [-1, 1]
 *
 * Source: C. Saharia et al., "Photorealistic Text-to-Image Diffusion Models" (Imagen), 2022, §2.3.
 */
export function dynamicThreshold(sample: Tensor, ratio: number, maxValue: number): Tensor {
  const data = float32Data(sample).slice();
  const size = data.length / sample.dims[0]!;
  for (let start = 0; start < data.length; start += size) {
    const image = data.subarray(start, start + size);
    const threshold = clamp(quantile(image.map(Math.abs), ratio), 1, maxValue);
    for (const [i, x] of image.entries()) image[i] = clamp(x, -threshold, threshold) / threshold;
  }
  return new Tensor('float32', data, sample.dims);
}
