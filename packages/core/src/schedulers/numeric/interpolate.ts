/** The value of `table` at a place between its entries, which are at 0, 1, …: linear, and the end's beyond an end; numpy's `interp`. */
export function interpolate(table: ArrayLike<number>, place: number): number {
  const within = Math.min(Math.max(place, 0), table.length - 1);
  const below = Math.min(Math.floor(within), table.length - 2);
  if (below < 0) return table[0]!;
  return (table[below + 1]! - table[below]!) * (within - below) + table[below]!;
}
