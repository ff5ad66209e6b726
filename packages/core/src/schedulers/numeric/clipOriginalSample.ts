import type { Tensor } from 'onnxruntime-common';
import { booleanField, numberField, type ConfigValues } from '../../fields/Field.js';
import { clamp } from './clamp.js';
import { dynamicThreshold } from './dynamicThreshold.js';
import { mapTensor } from './mapTensor.js';

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
