import { Tensor } from 'onnxruntime-common';
import { sliceBatch } from '../execution/batch.js';

/** Joins float32 tensors [n, …, height, width] of one batch on their second axis. */
export function concatChannels(tensors: readonly [Tensor, ...Tensor[]]): Tensor {
  const [count = 1, , ...rest] = tensors[0].dims;
  const channels = tensors.reduce((sum, { dims }) => sum + (dims[1] as number), 0);
  const data = new Float32Array(tensors.reduce((sum, { size }) => sum + size, 0));
  let at = 0;
  for (let n = 0; n < count; n++)
    for (const tensor of tensors) {
      data.set(sliceBatch(tensor, n, 1).data as Float32Array, at);
      at += tensor.size / count;
    }
  return new Tensor('float32', data, [count, channels, ...rest]);
}
