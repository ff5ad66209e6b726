import { concat } from '../../graph/operations.js';
import { segment } from '../../graph/segment.js';
import type { Value } from '../../graph/Value.js';

/** Numbers from which on a joined value is worth a segment: 128 MB in float32. */
const LARGE = 2 ** 25;

/**
 * Joins what the segment `path` starts from, `x` [n, c, h, w] and `skip` [n, d, h, w], to one [n, c + d, h, w] in a segment before it,
 * `path.concat`, if they are large: a run holds its inputs to its end, and so both are gone while the block computes. Else gives
 * them back as they are.
 */
export function joinLarge(
  path: string,
  x: Value,
  skip: Value,
): { readonly x: Value; readonly skip: Value | undefined } {
  const size = [x, skip].reduce((sum, { dims }) => sum + dims.reduce((a, b) => a * b, 1), 0);
  if (size < LARGE) return { x, skip };
  return {
    x: segment(`${path}.concat`, { x, skip }, (inner) => ({ x: concat([inner.x, inner.skip], 1) })).x,
    skip: undefined,
  };
}
