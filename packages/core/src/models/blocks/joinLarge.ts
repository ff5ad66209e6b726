import { add, concat } from '../../graph/operations.js';
import { segment } from '../../graph/segment.js';
import type { Value } from '../../graph/Value.js';

/** Numbers from which on a joined value is worth a segment: 32 MB in float32. */
const LARGE = 2 ** 23;

/** What a layer of an up block starts from. */
export type JoinInputs = {
  /** Hidden states [n, c, h, w]. */
  readonly x: Value;
  /** A skip connection [n, d, h, w]; absent once it is joined to `x`. */
  readonly skip: Value | undefined;
  /** What somebody outside the model adds to `skip`. */
  readonly residual: Value | undefined;
  /** What somebody outside the model adds to `x`. */
  readonly midResidual: Value | undefined;
};

/** The hidden states and the skip connection side by side, [n, c + d, h, w], each with what is added to it. */
export function joinSkip({ x, skip, residual, midResidual }: JoinInputs): Value {
  const hidden = midResidual === undefined ? x : add(x, midResidual);
  if (skip === undefined) return hidden;
  return concat([hidden, residual === undefined ? skip : add(skip, residual)], 1);
}

/**
 * Joins what the segment `path` starts from in a segment before it, `path.concat`, if it is large: a run holds its inputs to its end, and so they
 * are gone while the block computes. Else gives them back as they are.
 */
export function joinLarge(path: string, inputs: JoinInputs): JoinInputs {
  const size = [inputs.x, inputs.skip].reduce((sum, value) => sum + (value?.dims.reduce((a, b) => a * b, 1) ?? 0), 0);
  if (size < LARGE) return inputs;
  const { x } = segment(`${path}.concat`, inputs, (inner) => ({ x: joinSkip(inner) }));
  return { x, skip: undefined, residual: undefined, midResidual: undefined };
}
