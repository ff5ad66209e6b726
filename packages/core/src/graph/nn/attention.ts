import { checkMembers } from '../../fields/checkMembers.js';
import { COMPOSITE_DOMAIN } from '../Graph.js';
import { builderOf } from '../operations.js';
import type { Value } from '../Value.js';

/**
 * Scaled dot-product attention, as the composite `Attention` that a pass lowers.
 * `query` [n, q, heads · d], `key` and `value` [n, k, heads · d] → [n, q, heads · d]; the scale is 1 / sqrt(d).
 * `causal` lets token i see tokens 0 to i only; `mask` [1 or n, 1 or heads, 1 or q, k] is added to the scores.
 */
export function attention(
  query: Value,
  key: Value,
  value: Value,
  options: { heads: number; causal?: boolean | undefined; mask?: Value | undefined },
): Value {
  checkMembers('options', options, 'options with heads', ['heads']);
  for (const each of [query, key, value]) builderOf(each);
  const { heads, causal = false, mask } = options;
  return builderOf(query).emit(
    'Attention',
    mask === undefined ? [query, key, value] : [query, key, value, mask],
    { dims: [...query.dims.slice(0, -1), value.dim(-1)] },
    {
      heads: { int: heads },
      causal: { int: causal ? 1 : 0 },
    },
    COMPOSITE_DOMAIN,
  );
}
