import type { Image } from './Image.js';

const BAND_BYTES = 65_536;

/** What a byte is predicted to be, from the ones to the left, above, and above to the left. */
type Predictor = (left: number, above: number, aboveLeft: number) => number;

/** By the filter's number. Source: PNG specification (third edition), §9. */
const PREDICTORS: readonly Predictor[] = [
  () => 0,
  (left) => left,
  (_left, above) => above,
  (left, above) => (left + above) >> 1,
  (left, above, aboveLeft) => {
    const estimate = left + above - aboveLeft;
    const toLeft = Math.abs(estimate - left);
    const toAbove = Math.abs(estimate - above);
    const toAboveLeft = Math.abs(estimate - aboveLeft);
    if (toLeft <= toAbove && toLeft <= toAboveLeft) return left;
    return toAbove <= toAboveLeft ? above : aboveLeft;
  },
];

/**
 * The rows of an image as PNG compresses them, some at a time: each with the filter in front that leaves the smallest
 * differences.
 */
export function* filteredRows({ width, height, channels, data }: Image): Generator<Uint8Array> {
  const stride = width * channels;
  const rowsPerBand = Math.max(1, Math.floor(BAND_BYTES / (stride + 1)));
  const candidate = new Uint8Array(stride);
  let above = new Uint8Array(stride);
  for (let start = 0; start < height; start += rowsPerBand) {
    const count = Math.min(rowsPerBand, height - start);
    const band = new Uint8Array(count * (stride + 1));
    for (let i = 0; i < count; i++) {
      const row = data.subarray((start + i) * stride, (start + i + 1) * stride);
      writeBest(row, above, channels, candidate, band.subarray(i * (stride + 1), (i + 1) * (stride + 1)));
      above = row as typeof above;
    }
    yield band;
  }
}

function writeBest(row: Uint8Array, above: Uint8Array, pixel: number, candidate: Uint8Array, target: Uint8Array): void {
  let best = Infinity;
  for (const [filter, predict] of PREDICTORS.entries()) {
    const cost = applyFilter(predict, row, above, pixel, candidate);
    if (cost >= best) continue;
    best = cost;
    target[0] = filter;
    target.set(candidate, 1);
  }
}

/** @returns the sum of the differences' magnitudes */
function applyFilter(predict: Predictor, row: Uint8Array, above: Uint8Array, pixel: number, target: Uint8Array): number {
  let cost = 0;
  for (let i = 0; i < row.length; i++) {
    const isFirst = i < pixel;
    const difference = (row[i]! - predict(isFirst ? 0 : row[i - pixel]!, above[i]!, isFirst ? 0 : above[i - pixel]!)) & 0xff;
    target[i] = difference;
    cost += difference < 128 ? difference : 256 - difference;
  }
  return cost;
}
