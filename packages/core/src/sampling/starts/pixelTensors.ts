import type { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../../fields/refuseOption.js';
import { mapTensor } from '../../schedulers/numeric/tensors.js';

/** @throws ERR_ARGUMENT_INVALID unless all values are in [0, 1] */
export function checkPixels(option: string, tensor: Tensor): void {
  for (const value of tensor.data as Float32Array)
    if (value < 0 || value > 1) refuseOption(option, value, 'a tensor of values in [0, 1]');
}

/** Pixels in [0, 1] as an encoder takes them, in [-1, 1]. */
export function samplesOfPixels(pixels: Tensor): Tensor {
  return mapTensor(pixels, (x) => 2 * x - 1);
}
