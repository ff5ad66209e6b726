import { reshape, transpose } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/** [n, c, h, w] → [n, h · w, c]. */
export function toTokens(x: Value): Value {
  const [n, c, h, w] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
  return transpose(reshape(x, [n, c, h * w], [0, 0, -1]), [0, 2, 1]);
}

/** [n, h · w, c] → [n, c, h, w], with the height and width of `like`. */
export function fromTokens(tokens: Value, like: Value): Value {
  const [h, w] = [like.dim(2), like.dim(3)];
  return reshape(transpose(tokens, [0, 2, 1]), [tokens.dim(0), tokens.dim(2), h, w], [0, 0, h, w]);
}
