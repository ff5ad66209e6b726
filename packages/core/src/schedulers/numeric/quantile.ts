/** The `q`-quantile of `values`, between two of them by linear interpolation, as torch and numpy do by default. */
export function quantile(values: Float32Array, q: number): number {
  const sorted = values.toSorted();
  const rank = q * (sorted.length - 1);
  const below = sorted[Math.floor(rank)]!;
  const above = sorted[Math.ceil(rank)]!;
  return below + (above - below) * (rank - Math.floor(rank));
}
