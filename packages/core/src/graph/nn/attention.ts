import { COMPOSITE_DOMAIN } from '../Graph.js';
import { builderOf } from '../operations.js';
import type { Value } from '../Value.js';

/**
 * Scaled dot-product attention, as the composite `Attention` that a pass lowers.
 * `query` [n, q, heads · d], `key` and `value` [n, k, heads · d] → [n, q, heads · d]; the scale is 1 / sqrt(d).
 * `causal` lets token i see tokens 0 to i only.
 */
export function attention(query: Value, key: Value, value: Value, options: { heads: number; causal?: boolean }): Value {
  return builderOf(query).emit('Attention', [query, key, value], { dims: [...query.dims.slice(0, -1), value.dim(-1)] }, {
    heads: { int: options.heads },
    causal: { int: options.causal === true ? 1 : 0 },
  }, COMPOSITE_DOMAIN);
}
