import { builderOf } from '../operations.js';
import type { Value } from '../Value.js';

/** Root mean square norm over the last axis, times `weight` [features]; no mean is subtracted (arXiv 1910.07467). */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  // The runtime's own operator; it lives in ONNX's domain, under this name.
  return builderOf(x).emit(
    'SimplifiedLayerNormalization',
    [x, weight],
    { dims: x.dims },
    { axis: { int: -1 }, epsilon: { float: epsilon } },
  );
}
