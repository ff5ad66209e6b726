/** The next larger of 1, 2 and 5 times a power of ten. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((step) => step * power >= least * 0.999) ?? 10;
  return factor * power;
}
