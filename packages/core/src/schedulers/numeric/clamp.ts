/** `x`, or the end of [`low`, `high`] that it is beyond. NaN stays NaN. */
export function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
