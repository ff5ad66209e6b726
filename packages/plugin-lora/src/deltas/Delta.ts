import { swapHalves, type TensorView } from '@thimble/core/plugin';

/**
 * What is added to a layer's weight, as a matrix [out, in · taps] made of tensors of a file. Every tensor is a matrix, but for the core of a product: [rank, rank, taps].
 */
export type Delta =
  | { readonly kind: 'whole'; readonly weight: TensorView }
  /** `up · down`; with a core (LoCon's mid, Tucker's t) the sum over r and s of up[o, r] · core[r, s, tap] · down[s, i]. */
  | {
      readonly kind: 'product';
      readonly up: TensorView;
      readonly down: TensorView;
      readonly core?: TensorView | undefined;
    }
  /** Element by element: LoHa. */
  | { readonly kind: 'hadamard'; readonly left: Delta; readonly right: Delta }
  /** LoKr: each element of `left` times the whole of `right`. */
  | { readonly kind: 'kronecker'; readonly left: Delta; readonly right: Delta };

/** Rows and columns. */
export type MatrixSize = readonly [rows: number, columns: number];

/** Rows and columns of a change. */
export function sizeOf(delta: Delta): MatrixSize {
  if (delta.kind === 'whole') return sizeOfView(delta.weight);
  if (delta.kind === 'product') {
    const [, columns] = sizeOfView(delta.down);
    return [sizeOfView(delta.up)[0], columns * (delta.core?.shape[2] ?? 1)];
  }
  const [left, right] = [sizeOf(delta.left), sizeOf(delta.right)];
  return delta.kind === 'hadamard' ? left : [left[0] * right[0], left[1] * right[1]];
}

/** The tensors that a change is made of. */
export function tensorsOf(delta: Delta): readonly TensorView[] {
  if (delta.kind === 'whole') return [delta.weight];
  if (delta.kind === 'product') return [delta.up, delta.down, ...(delta.core === undefined ? [] : [delta.core])];
  return [...tensorsOf(delta.left), ...tensorsOf(delta.right)];
}

/** The same change with the halves of its rows exchanged. */
export function swapRows(delta: Delta): Delta {
  if (delta.kind === 'whole') return { ...delta, weight: swapHalves(delta.weight) };
  if (delta.kind === 'product') return { ...delta, up: swapHalves(delta.up) };
  // The rows of the right side follow one another within each row of the left one.
  return {
    ...delta,
    left: swapRows(delta.left),
    right: delta.kind === 'hadamard' ? swapRows(delta.right) : delta.right,
  };
}

/** What is wrong with the sizes that have to agree, in words; `undefined` = nothing. */
export function mismatchIn(delta: Delta): string | undefined {
  if (delta.kind === 'whole') return undefined;
  if (delta.kind === 'product') {
    const [[, up], [down]] = [sizeOfView(delta.up), sizeOfView(delta.down)];
    const [left = down, right = up] = delta.core?.shape ?? [];
    return left === up && right === down ? undefined : `ranks of ${up} and ${down} do not go together`;
  }
  const inner = mismatchIn(delta.left) ?? mismatchIn(delta.right);
  if (inner !== undefined || delta.kind === 'kronecker') return inner;
  const [left, right] = [sizeOf(delta.left), sizeOf(delta.right)];
  return left.join() === right.join() ? undefined : `${left.join(' × ')} and ${right.join(' × ')} are not one size`;
}

function sizeOfView({ shape }: TensorView): MatrixSize {
  return [shape[0] as number, shape[1] as number];
}
