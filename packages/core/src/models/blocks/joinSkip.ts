import { add, concat } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/** What a layer of an up block starts from. */
export type JoinInputs = {
  /** Hidden states [n, c, h, w]. */
  readonly x: Value;
  /** A skip connection [n, d, h, w]. */
  readonly skip: Value;
  /** What somebody outside the model adds to `skip`. */
  readonly residual: Value | undefined;
  /** What somebody outside the model adds to `x`. */
  readonly midResidual: Value | undefined;
};

/** The hidden states and the skip connection side by side, [n, c + d, h, w], each with what is added to it. */
export function joinSkip({ x, skip, residual, midResidual }: JoinInputs): Value {
  const hidden = midResidual === undefined ? x : add(x, midResidual);
  return concat([hidden, residual === undefined ? skip : add(skip, residual)], 1);
}
