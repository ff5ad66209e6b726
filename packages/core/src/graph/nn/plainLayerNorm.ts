import { builderOf } from '../operations.js';
import type { Value } from '../Value.js';

/** `torch.nn.LayerNorm` over the last axis without a gain and a bias, as in blocks that a timestep modulates. */
export function plainLayerNorm(x: Value, epsilon: number): Value {
  const builder = builderOf(x);
  const width = x.dim(-1);
  const ones = builder.constant(
    'float32',
    [width],
    Array.from({ length: width }, () => 1),
  );
  return builder.emit(
    'LayerNormalization',
    [x, ones],
    { dims: x.dims },
    { axis: { int: -1 }, epsilon: { float: epsilon } },
  );
}
