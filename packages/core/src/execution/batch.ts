import { refuseOption } from '../fields/refuseOption.js';
import { isList } from '../fields/isList.js';
import { checkMembers } from '../fields/checkMembers.js';
import { checkInteger } from '../fields/checkNumber.js';
import { Tensor } from 'onnxruntime-common';

/** Joins float32 tensors on the batch axis. */
export function concatBatch(tensors: readonly Tensor[]): Tensor {
  if (!isList(tensors) || tensors.length === 0) refuseOption('tensors', tensors, 'a list of tensors');
  for (const tensor of tensors) checkMembers('tensors', tensor, 'a list of tensors', ['dims', 'data', 'size']);
  const [first] = tensors as readonly [Tensor];
  const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.size, 0));
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data as Float32Array, at);
    at += tensor.size;
  }
  return new Tensor('float32', data, [
    tensors.reduce((sum, tensor) => sum + (tensor.dims[0] as number), 0),
    ...first.dims.slice(1),
  ]);
}

/** Repeats every sample of the batch `times` times, each beside its copies, as torch's `repeat_interleave`. */
export function repeatBatch(tensor: Tensor, times: number): Tensor {
  return times === 1
    ? tensor
    : concatBatch(splitBatch(tensor).flatMap((sample) => Array.from({ length: times }, () => sample)));
}

/** Samples of the batch, of any element type; a view, no copy. @throws ERR_ARGUMENT_INVALID */
export function sliceBatch(tensor: Tensor, start: number, count: number): Tensor {
  checkMembers('tensor', tensor, 'a tensor', ['dims', 'data', 'size']);
  checkInteger('start', start, 0);
  checkInteger('count', count, 0);
  const [all = 1, ...rest] = tensor.dims;
  const size = tensor.size / all;
  return new Tensor(
    tensor.type as 'float32',
    (tensor.data as Float32Array).subarray(start * size, (start + count) * size),
    [count, ...rest],
  );
}

/** The samples of the batch, each as a batch of one; views, no copies. */
export function splitBatch(tensor: Tensor): Tensor[] {
  checkMembers('tensor', tensor, 'a tensor', ['dims', 'data', 'size']);
  return Array.from({ length: tensor.dims[0] ?? 0 }, (_, i) => sliceBatch(tensor, i, 1));
}
