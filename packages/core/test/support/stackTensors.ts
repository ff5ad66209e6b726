import { Tensor } from 'onnxruntime-common';

/** float32 tensors of one shape as one, along a new first axis. */
export function stackTensors(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as [Tensor];
  const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.size, 0));
  for (const [i, tensor] of tensors.entries()) data.set(tensor.data as Float32Array, i * first.size);
  return new Tensor('float32', data, [tensors.length, ...first.dims]);
}
