import { sliceRows, swapHalves, type TensorView, transposeView } from '../TensorView.js';
import type { WeightStore } from '../WeightStore.js';

/** Where a weight is found in the store below. */
export interface KeySource {
  /** Its key there. */
  readonly key: string;
  /** Set where that tensor is a 1×1 convolution, [out, in, 1, 1], and the weight a matrix, [out, in]. */
  readonly squeezed?: true;
  /** Set where that tensor lies transposed. It is turned before rows are taken. */
  readonly transposed?: true;
  /** Set where the halves of its rows lie the other way round there. */
  readonly swapped?: true;
  /** Set where it is some rows of that tensor: the first, and how many, as of a query in a fused projection. */
  readonly rows?: readonly [start: number, count: number];
}

/**
 * A layer of other keys: every key of `sources` is found where its source says. A source that the store below lacks is not there either. What is not in
 * `sources` is not found.
 *
 * @throws (from `find`) RangeError for rows that a tensor does not have, and for a transpose of what is no matrix
 */
export function remapped(below: WeightStore, sources: ReadonlyMap<string, KeySource>): WeightStore {
  return {
    keys: () => [...sources].filter(([, { key }]) => below.find(key) !== undefined).map(([name]) => name),
    find: (key) => {
      const source = sources.get(key);
      const view = source === undefined ? undefined : below.find(source.key);
      return view === undefined ? undefined : take(view, source as KeySource);
    },
  };
}

function take(view: TensorView, { squeezed, transposed, swapped, rows }: KeySource): TensorView {
  const matrix = squeezed === true ? squeeze(view) : view;
  const turned = transposed === true ? transposeView(matrix) : matrix;
  const ordered = swapped === true ? swapHalves(turned) : turned;
  return rows === undefined ? ordered : sliceRows(ordered, ...rows);
}

/** Without sizes of 1 after the second: the same numbers in the same order. */
function squeeze(view: TensorView): TensorView {
  const { shape } = view;
  return shape.length > 2 && shape.slice(2).every((size) => size === 1) ? { ...view, shape: shape.slice(0, 2) } : view;
}
