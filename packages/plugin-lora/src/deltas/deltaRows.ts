import type { TensorView } from '@thimble/core/plugin';
import { type Delta, sizeOf } from './Delta.js';

/** What a change is computed with: in a graph, or in this process. */
export interface MatrixOperations<M> {
  /** `count` rows of a stored matrix from `start`; of all three axes of a core. */
  rows(view: TensorView, start: number, count: number): M;
  /** [a, b] · [b, c]. */
  product(left: M, right: M): M;
  /** Element by element. */
  hadamard(left: M, right: M): M;
  /** [a, b] ⊗ [c, d] = [a · c, b · d]. */
  kronecker(left: M, right: M): M;
  /** [r, s, taps] and [s, i] → [r, i · taps]: the sum over s. */
  contract(core: M, down: M): M;
  /** `count` rows from `start`. */
  slice(matrix: M, start: number, count: number): M;
}

/** Computes rows of a change. */
export function deltaRows<M>(delta: Delta, operations: MatrixOperations<M>, start: number, count: number): M {
  const whole = (view: TensorView): M => operations.rows(view, 0, view.shape[0] as number);
  switch (delta.kind) {
    case 'whole':
      return operations.rows(delta.weight, start, count);
    case 'product': {
      const { up, core, down } = delta;
      const right = core === undefined ? whole(down) : operations.contract(whole(core), whole(down));
      return operations.product(operations.rows(up, start, count), right);
    }
    case 'hadamard': {
      const [left, right] = [delta.left, delta.right].map((side) => deltaRows(side, operations, start, count));
      return operations.hadamard(left as M, right as M);
    }
    case 'kronecker': {
      const [height] = sizeOf(delta.right);
      const first = Math.floor(start / height);
      const last = Math.ceil((start + count) / height);
      const left = deltaRows(delta.left, operations, first, last - first);
      const all = operations.kronecker(left, deltaRows(delta.right, operations, 0, height));
      return operations.slice(all, start - first * height, count);
    }
  }
}
