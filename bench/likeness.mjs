/** How alike two lists of numbers are: their correlation, and in dB how far the first is above the difference. */
export function likeness(a, b) {
  let [ab, aa, bb, off] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] ** 2;
    bb += b[i] ** 2;
    off += (a[i] - b[i]) ** 2;
  }
  return { correlation: ab / Math.sqrt(aa * bb), decibels: 10 * Math.log10(aa / off) };
}
