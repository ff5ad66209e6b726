// numpy's and torch's functions with their rounding, because timesteps and noise levels must come out as diffusers' do.

/** `count` numbers from `start` to `stop`, both included, at equal distances; float64, as numpy's. */
export function linspace(start: number, stop: number, count: number): number[] {
  const step = count > 1 ? (stop - start) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? stop : start + i * step));
}

/** `count` numbers from `start` to `stop`, both included, as float32: torch's `linspace`, which counts its second half from the end. */
export function linspace32(start: number, stop: number, count: number): Float32Array {
  const [first, last] = [Math.fround(start), Math.fround(stop)];
  const step = count > 1 ? Math.fround((last - first) / (count - 1)) : 0;
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? first + step * i : last - step * (count - 1 - i),
  );
}

/**
 * `start`, `start + step`, … before `stop`; float64, with numpy's rounding: it adds multiples of the first difference, which
 * decides how halves are rounded later on.
 */
export function arange(start: number, stop: number, step: number): number[] {
  const difference = start + step - start;
  return Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * difference);
}

/** The value of `table` at a place between its entries, which are at 0, 1, …: linear, and the end's beyond an end; numpy's `interp`. */
export function interpolate(table: ArrayLike<number>, place: number): number {
  const within = Math.min(Math.max(place, 0), table.length - 1);
  const below = Math.min(Math.floor(within), table.length - 2);
  if (below < 0) return table[0]!;
  return (table[below + 1]! - table[below]!) * (within - below) + table[below]!;
}

/** The `q`-quantile of `values`, between two of them by linear interpolation, as torch and numpy do by default. */
export function quantile(values: Float32Array, q: number): number {
  const sorted = values.toSorted();
  const rank = q * (sorted.length - 1);
  const below = sorted[Math.floor(rank)]!;
  const above = sorted[Math.ceil(rank)]!;
  return below + (above - below) * (rank - Math.floor(rank));
}

/** Rounds to the nearest integer, ties to the even one, as numpy and torch do. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `x`, or the end of [`low`, `high`] that it is beyond. NaN stays NaN. */
export function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}

/** Solves a small system of linear equations, by Gauss' elimination with pivots; float64. */
export function solveLinear(matrix: readonly (readonly number[])[], rightSide: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, rightSide[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    rows[rows.indexOf(pivot)] = rows[column]!;
    rows[column] = pivot;
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let i = column; i <= size; i++) row[i]! -= factor * pivot[i]!;
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!);
}
