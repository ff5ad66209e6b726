import type { RMSNorm } from '../../graph/nn/RMSNorm.js';
import { reshape } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/** Root mean square norm of each head of [n, tokens, heads · size]. */
export function normByHead(x: Value, norm: RMSNorm, heads: number): Value {
  const width = x.dim(2);
  const byHead = reshape(x, [x.dim(0), x.dim(1), heads, width / heads], [0, 0, heads, width / heads]);
  return reshape(norm.forward(byHead), x.dims, [0, 0, width]);
}
