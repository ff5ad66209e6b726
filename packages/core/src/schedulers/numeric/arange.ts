/**
 * `start`, `start + step`, … before `stop`; float64, with numpy's rounding: it adds multiples of the first difference, which
 * decides how halves are rounded later on.
 */
export function arange(start: number, stop: number, step: number): number[] {
  const difference = start + step - start;
  return Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * difference);
}
