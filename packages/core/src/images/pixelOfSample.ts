/** The pixel, about [0, 1], of a number that a decoder gives, about [-1, 1]. */
export function pixelOfSample(x: number): number {
  return Math.fround(x / 2 + 0.5);
}
