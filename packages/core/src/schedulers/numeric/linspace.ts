/** `count` numbers from `start` to `stop`, both included, at equal distances; float64, as numpy's. */
export function linspace(start: number, stop: number, count: number): number[] {
  const step = count > 1 ? (stop - start) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? stop : start + i * step));
}
