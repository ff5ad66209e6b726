import type { ExecutionProvider } from '../device/ExecutionProvider.js';
import type { MemoryFormat } from '../graph/Graph.js';

/** In which order the provider's kernels keep a tensor; NCHWc: channels in blocks of 8 or 16, the CPU's channels-last. */
export type KernelLayout = 'NCHW' | 'NCHWc' | 'NHWC';

/** How a weight is laid out. */
export interface WeightLayout {
  readonly shape: readonly number[];
  /** Elements from one index to the next on each axis, in the order that the memory format means; as torch's `stride()`. */
  readonly strides: readonly number[];
  readonly memoryFormat: MemoryFormat;
  /** What the provider makes of it. */
  readonly kernelLayout: KernelLayout;
}

/** The layout of a weight of a graph in that memory format. */
export function layoutOf(
  shape: readonly number[],
  memoryFormat: MemoryFormat,
  provider: ExecutionProvider,
): WeightLayout {
  const channelsLast = provider === 'cpu' ? 'NCHWc' : 'NHWC';
  return {
    shape,
    strides: stridesOf(shape, memoryFormat),
    memoryFormat,
    kernelLayout: memoryFormat === 'contiguous' ? 'NCHW' : channelsLast,
  };
}

/** torch's strides: channels last concerns tensors of four axes alone. */
function stridesOf(shape: readonly number[], memoryFormat: MemoryFormat): readonly number[] {
  const order = memoryFormat === 'channels_last' && shape.length === 4 ? [0, 2, 3, 1] : shape.map((_, axis) => axis);
  const strides = shape.map(() => 1);
  let stride = 1;
  for (const axis of order.toReversed()) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}
