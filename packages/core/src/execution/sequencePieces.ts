import { Tensor } from 'onnxruntime-common';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { EntrySequence } from '../models/Model.js';

/** The only input of an entry point as those of its pieces. */
export function cutIntoPieces(inputs: NamedTensors, { axis, pieces }: EntrySequence): readonly NamedTensors[] {
  const [[name, tensor]] = Object.entries(inputs) as [[string, Tensor]];
  let start = 0;
  return pieces(tensor.dims[axis] as number).map((length) => {
    const piece = cut(tensor, axis, start, length);
    start += length;
    return { [name]: piece };
  });
}

/** The outputs of pieces, joined along an axis. */
export function joinPieces(pieces: readonly NamedTensors[], axis: number): NamedTensors {
  const [first = {}] = pieces;
  if (pieces.length <= 1) return first;
  return Object.fromEntries(
    Object.keys(first).map((name) => [
      name,
      join(
        pieces.map((piece) => piece[name] as Tensor),
        axis,
      ),
    ]),
  );
}

function cut(tensor: Tensor, axis: number, start: number, length: number): Tensor {
  const dims = tensor.dims.map((size, i) => (i === axis ? length : size));
  const piece = new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
  copyAlong(tensor, start, piece, 0, length, axis);
  return piece;
}

function join(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors as readonly [Tensor, ...Tensor[]];
  const length = tensors.reduce((sum, tensor) => sum + (tensor.dims[axis] as number), 0);
  const dims = first.dims.map((size, i) => (i === axis ? length : size));
  const whole = new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
  let at = 0;
  for (const tensor of tensors) {
    copyAlong(tensor, 0, whole, at, tensor.dims[axis] as number, axis);
    at += tensor.dims[axis] as number;
  }
  return whole;
}

/** Copies `length` positions of an axis of float32 tensors that are alike on all others. */
function copyAlong(from: Tensor, start: number, to: Tensor, at: number, length: number, axis: number): void {
  const outer = from.dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = from.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const [source, target] = [from.data as Float32Array, to.data as Float32Array];
  for (let i = 0; i < outer; i++) {
    const begin = (i * (from.dims[axis] as number) + start) * inner;
    target.set(source.subarray(begin, begin + length * inner), (i * (to.dims[axis] as number) + at) * inner);
  }
}
