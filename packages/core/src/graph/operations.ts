import { checkMembers } from '../fields/checkMembers.js';
import { checkInteger, checkIntegers, checkNumber } from '../fields/checkNumber.js';
import { isList } from '../fields/isList.js';
import { refuseOption } from '../fields/refuseOption.js';
import { GraphBuilder, type EmitResult } from './GraphBuilder.js';
import type { Attribute, ElementType } from './Graph.js';
import type { Value } from './Value.js';

/** More axes than any tensor of the runtime has. */
const MOST_AXES = 64;

/** The builder a value belongs to; operations make sense only inside a segment. @throws ERR_ARGUMENT_INVALID for what is no value of a segment */
export function builderOf(value: Value): GraphBuilder {
  checkValues(value);
  if (value.scope instanceof GraphBuilder) return value.scope;
  return refuseOption('value', value.name, 'a value of a segment: operations make sense only inside one');
}

function checkValues(...values: readonly Value[]): void {
  for (const value of values) checkMembers('value', value, 'a value of a graph', ['scope', 'dims', 'dim']);
}

/** An operation on each element alone, or on the last axis. */
function unary(op: string, x: Value, attributes: Record<string, Attribute> = {}): Value {
  checkValues(x);
  return emit(op, [x], { dims: x.dims }, attributes);
}

function emit(
  op: string,
  inputs: readonly Value[],
  result: EmitResult,
  attributes: Record<string, Attribute> = {},
): Value {
  return builderOf(inputs[0] as Value).emit(op, inputs, result, attributes);
}

function broadcast(a: Value, b: Value): number[] {
  checkValues(a, b);
  const rank = Math.max(a.dims.length, b.dims.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a.dims.at(i - rank) ?? 1;
    return x === 1 ? (b.dims.at(i - rank) ?? 1) : x;
  });
}

/** ONNX `Add`. */
export function add(a: Value, b: Value): Value {
  return emit('Add', [a, b], { dims: broadcast(a, b) });
}

/** ONNX `Mul`. */
export function mul(a: Value, b: Value): Value {
  return emit('Mul', [a, b], { dims: broadcast(a, b) });
}

/** Multiplies by a number. */
export function scale(x: Value, factor: number): Value {
  checkNumber('factor', factor);
  return mul(x, builderOf(x).constant('float32', [], [factor]));
}

/** ONNX `MatMul`. */
export function matMul(a: Value, b: Value): Value {
  checkValues(a, b);
  return emit('MatMul', [a, b], { dims: [...a.dims.slice(0, -1), b.dim(-1)] });
}

/** ONNX `Gemm` with the second matrix transposed: [m, k] × [n, k] → [m, n], PyTorch's layout of weights. */
export function gemm(x: Value, weight: Value, bias?: Value): Value {
  const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
  checkValues(...inputs);
  return emit('Gemm', inputs, { dims: [x.dim(0), weight.dim(0)] }, { transB: { int: 1 } });
}

/**
 * ONNX `Reshape`. `dims` are the sizes of this call; `pattern` is what the graph holds, with 0 for an axis copied from the input
 * and -1 for one that is inferred, so that one graph serves other sizes.
 */
export function reshape(x: Value, dims: readonly number[], pattern: readonly number[] = dims): Value {
  checkIntegers('dims', dims);
  checkIntegers('pattern', pattern);
  return emit('Reshape', [x, builderOf(x).constant('int64', [pattern.length], pattern)], { dims });
}

/** ONNX `Transpose`. */
export function transpose(x: Value, perm: readonly number[]): Value {
  checkValues(x);
  checkIntegers('perm', perm);
  return emit('Transpose', [x], { dims: perm.map((axis) => x.dim(axis)) }, { perm: { ints: perm } });
}

/** ONNX `Concat`. */
export function concat(values: readonly Value[], axis: number): Value {
  if (!isList(values) || values.length === 0) refuseOption('values', values, 'a list of values');
  checkValues(...values);
  const first = values[0] as Value;
  first.dim(axis);
  const dims = first.dims.map((size, i) =>
    i === (axis < 0 ? first.dims.length + axis : axis) ? values.reduce((sum, v) => sum + v.dim(axis), 0) : size,
  );
  return values.length === 1 ? first : emit('Concat', values, { dims }, { axis: { int: axis } });
}

/** ONNX `Split` into pieces of the given sizes. */
export function split(x: Value, sizes: readonly number[], axis: number): Value[] {
  const builder = builderOf(x);
  checkIntegers('sizes', sizes);
  x.dim(axis);
  const at = axis < 0 ? x.dims.length + axis : axis;
  const results = sizes.map((size) => ({ dims: x.dims.map((old, i) => (i === at ? size : old)) }));
  return builder.emitMany('Split', [x, builder.constant('int64', [sizes.length], sizes)], results, {
    axis: { int: axis },
  });
}

/** ONNX `Slice` of one axis, from `start` up to `end`; negative positions count from the axis's end. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const builder = builderOf(x);
  checkIntegers('bounds', [start, end]);
  const size = x.dim(axis);
  const from = (at: number): number => Math.min(size, at < 0 ? size + at : at);
  const bounds = [start, end, axis].map((value) => builder.constant('int64', [1], [value]));
  return emit('Slice', [x, ...bounds], { dims: x.dims.map((old, i) => (i === axis ? from(end) - from(start) : old)) });
}

/** ONNX `Gather` along an axis, with indices that are known: repeats, drops or reorders. */
export function gather(x: Value, axis: number, indices: readonly number[]): Value {
  checkIntegers('indices', indices);
  const taken = builderOf(x).constant('int64', [indices.length], indices);
  return emit(
    'Gather',
    [x, taken],
    { dims: x.dims.map((size, i) => (i === axis ? indices.length : size)) },
    { axis: { int: axis } },
  );
}

/** ONNX `AveragePool` of [n, c, t, h, w] over `size` neighbouring frames. */
export function averagePoolFrames(x: Value, size: number): Value {
  checkValues(x);
  checkInteger('size', size, 1);
  const dims = x.dims.map((length, i) => (i === 2 ? Math.floor(length / size) : length));
  return emit('AveragePool', [x], { dims }, { kernel_shape: { ints: [size, 1, 1] }, strides: { ints: [size, 1, 1] } });
}

/** ONNX `Cast`. */
export function cast(x: Value, type: ElementType): Value {
  checkValues(x);
  if (typeof type !== 'string' || !Object.hasOwn(ONNX_TYPE, type))
    refuseOption('type', type, `one of ${Object.keys(ONNX_TYPE).join(', ')}`);
  return x.type === type ? x : emit('Cast', [x], { dims: x.dims, type }, { to: { int: ONNX_TYPE[type] } });
}

/** ONNX `Sin`. */
export function sin(x: Value): Value {
  return unary('Sin', x);
}

/** ONNX `Cos`. */
export function cos(x: Value): Value {
  return unary('Cos', x);
}

/** ONNX `Softmax` over the last axis. */
export function softmax(x: Value): Value {
  return unary('Softmax', x, { axis: { int: -1 } });
}

/** ONNX `Sigmoid`. */
export function sigmoid(x: Value): Value {
  return unary('Sigmoid', x);
}

/** ONNX `Tanh`. */
export function tanh(x: Value): Value {
  return unary('Tanh', x);
}

/** ONNX `Gelu`, exact (erf) form. */
export function gelu(x: Value): Value {
  return unary('Gelu', x);
}

/** ONNX `Gelu`, tanh form: torch's `approximate='tanh'`, transformers' `gelu_new`. */
export function geluTanh(x: Value): Value {
  return unary('Gelu', x, { approximate: { string: 'tanh' } });
}

/** ONNX `Relu`. */
export function relu(x: Value): Value {
  return unary('Relu', x);
}

/** ONNX `Mish`. */
export function mish(x: Value): Value {
  return unary('Mish', x);
}

/** x · sigmoid(x), which the runtime fuses into one kernel. */
export function silu(x: Value): Value {
  return mul(x, sigmoid(x));
}

/** x · sigmoid(1.702 x), as CLIP uses it. */
export function quickGelu(x: Value): Value {
  return mul(x, sigmoid(scale(x, 1.702)));
}

/** Adds an axis of size 1 at the end for each missing one: [n, c] → [n, c, 1, 1] for `rank` 4. */
export function expandRank(x: Value, rank: number): Value {
  checkValues(x);
  checkInteger('rank', rank, 0, MOST_AXES);
  const dims = [...x.dims, ...Array.from({ length: rank - x.dims.length }, () => 1)];
  return reshape(
    x,
    dims,
    dims.map((_, i) => (i < x.dims.length ? 0 : 1)),
  );
}

/** Nearest-neighbour upsampling of [n, c, h, w] to a size, with the index floor(i · in / out), as torch's `interpolate`. */
export function resizeNearest(x: Value, height: number, width: number): Value {
  const builder = builderOf(x);
  checkIntegers('size', [height, width]);
  return builder.emit(
    'Resize',
    [x, undefined, undefined, builder.constant('int64', [2], [height, width])],
    { dims: [x.dim(0), x.dim(1), height, width] },
    {
      axes: { ints: [2, 3] },
      mode: { string: 'nearest' },
      coordinate_transformation_mode: { string: 'asymmetric' },
      nearest_mode: { string: 'floor' },
    },
  );
}

/** Nearest-neighbour upsampling of [n, c, h, w] by a whole factor, at any size. */
export function upscaleNearest(x: Value, factor: number): Value {
  const builder = builderOf(x);
  checkInteger('factor', factor, 1);
  return builder.emit(
    'Resize',
    [x, undefined, builder.constant('float32', [4], [1, 1, factor, factor])],
    { dims: [x.dim(0), x.dim(1), x.dim(2) * factor, x.dim(3) * factor] },
    {
      mode: { string: 'nearest' },
      coordinate_transformation_mode: { string: 'asymmetric' },
      nearest_mode: { string: 'floor' },
    },
  );
}

/** ONNX's numbers of the element types (TensorProto.DataType). */
export const ONNX_TYPE: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
  float8_e4m3fn: 17,
  float8_e5m2: 19,
};
