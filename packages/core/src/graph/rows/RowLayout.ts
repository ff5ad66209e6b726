/** Where the rows of a picture lie in a value: on `axis`, `unit` elements for each of `height` rows. */
export interface RowLayout {
  readonly axis: number;
  /** 1 in [n, c, h, w]; the width in tokens [n, h · w, c]. */
  readonly unit: number;
  readonly height: number;
}

/** Rows `start` to `start + count` of a value. */
export interface Rows {
  readonly start: number;
  readonly count: number;
}

/** The least range that holds both. */
export function hullOf(a: Rows | undefined, b: Rows): Rows {
  if (a === undefined) return b;
  const start = Math.min(a.start, b.start);
  return { start, count: Math.max(a.start + a.count, b.start + b.count) - start };
}

/**
 * The layout after a reshape of a batch of one; `undefined` if rows do not stay together.
 */
export function reshapedLayout(
  { axis, unit, height }: RowLayout,
  from: readonly number[],
  to: readonly number[],
): RowLayout | undefined {
  const before = product(from.slice(0, axis));
  const perRow = unit * product(from.slice(axis + 1));
  // Only [n, c, h, w] has rows of one element: every other shape keeps the pixels of a row side by side.
  const unitThere = to.length === 4 ? 1 : from.length === 4 ? (from[3] as number) : unit;
  const found = to.findIndex(
    (size, i) =>
      product(to.slice(0, i)) === before &&
      size === unitThere * height &&
      unitThere * product(to.slice(i + 1)) === perRow,
  );
  return found < 0 ? undefined : { axis: found, unit: unitThere, height };
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}
