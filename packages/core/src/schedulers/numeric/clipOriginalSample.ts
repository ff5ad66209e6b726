import { Tensor } from 'onnxruntime-common';
import { booleanField, type ConfigValues, numberField } from '../../fields/Field.js';
import { clamp, quantile } from './numpy.js';
import { float32Data, mapTensor } from './tensors.js';

/** The config fields of clipping to a fixed range. */
export const clipFields = {
  clip_sample: booleanField(true),
  clip_sample_range: numberField(1),
};

/** The config fields of dynamic thresholding. */
export const thresholdFields = {
  thresholding: booleanField(false),
  dynamic_thresholding_ratio: numberField(0.995),
  sample_max_value: numberField(1),
};

/** A predicted image, kept within what images can be: thresholded or clipped or as it is, as the config says. */
export function clipOriginalSample(
  originalSample: Tensor,
  config: ConfigValues<typeof clipFields & typeof thresholdFields>,
): Tensor {
  const { clip_sample_range: range } = config;
  if (config.thresholding)
    return dynamicThreshold(originalSample, config.dynamic_thresholding_ratio, config.sample_max_value);
  return config.clip_sample ? mapTensor(originalSample, (x) => clamp(x, -range, range)) : originalSample;
}

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
