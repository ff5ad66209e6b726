/**
 * The quantile function of the symmetric beta distribution with both parameters `shape`, to about 1e-14.
 *
 * @param probability from 0 to 1
 */
export function betaQuantile(probability: number, shape: number): number {
  if (probability > 0.5) return 1 - betaQuantile(1 - probability, shape);
  const target = probability * 2 * halfMass(0.5, shape);
  let [low, high] = [0, 0.5];
  for (let i = 0; i < 200 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (halfMass(middle, shape) < target) low = middle;
    else high = middle;
  }
  return high;
}

/** ∫₀ˣ (t (1 - t))^(shape - 1) dt for x ≤ 1/2, by the power series of the second factor: each term is less than half of the one before. */
function halfMass(x: number, shape: number): number {
  let coefficient = 1;
  let sum = 0;
  for (let n = 0; n < 60; n++) {
    sum += (coefficient * x ** (shape + n)) / (shape + n);
    coefficient *= (n + 1 - shape) / (n + 1);
  }
  return sum;
}
