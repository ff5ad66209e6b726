import type { PlainImage } from './ImageParts.js';

const BAND_BYTES = 65_536;

/** Writes the differences of a row's bytes from what is to the left (`pixel` bytes before) and above into `target`. */
type RowFilter = (row: Uint8Array, above: Uint8Array, pixel: number, target: Uint8Array) => void;

/**
 * By the filter's number: none, sub, up, average, Paeth. A loop in each: one loop for all that calls a function for the
 * difference takes about three times as long.
 *
 * Source: PNG specification (third edition), §9.
 */
const FILTERS: readonly RowFilter[] = [
  (row, _above, _pixel, target) => target.set(row),
  (row, _above, pixel, target) => {
    for (let i = 0; i < row.length; i++) target[i] = row[i]! - (i < pixel ? 0 : row[i - pixel]!);
  },
  (row, above, _pixel, target) => {
    for (let i = 0; i < row.length; i++) target[i] = row[i]! - above[i]!;
  },
  (row, above, pixel, target) => {
    for (let i = 0; i < row.length; i++) target[i] = row[i]! - (((i < pixel ? 0 : row[i - pixel]!) + above[i]!) >> 1);
  },
  (row, above, pixel, target) => {
    for (let i = 0; i < pixel; i++) target[i] = row[i]! - above[i]!;
    for (let i = pixel; i < row.length; i++) target[i] = row[i]! - paeth(row[i - pixel]!, above[i]!, above[i - pixel]!);
  },
];

/**
 * The rows of an image as PNG compresses them, some at a time: each with the filter in front that leaves the smallest
 * differences. What it yields is valid until the next is asked for.
 */
export function* filteredRows({ width, height, channels, data }: PlainImage): Generator<Uint8Array> {
  const stride = width * channels;
  const rowsPerBand = Math.max(1, Math.floor(BAND_BYTES / (stride + 1)));
  const candidate = new Uint8Array(stride);
  let above: Uint8Array = new Uint8Array(stride);
  const buffer = new Uint8Array(Math.min(rowsPerBand, height) * (stride + 1));
  for (let start = 0; start < height; start += rowsPerBand) {
    const count = Math.min(rowsPerBand, height - start);
    const band = buffer.subarray(0, count * (stride + 1));
    for (let i = 0; i < count; i++) {
      const row = data.subarray((start + i) * stride, (start + i + 1) * stride);
      writeBest(row, above, channels, candidate, band.subarray(i * (stride + 1), (i + 1) * (stride + 1)));
      above = row;
    }
    yield band;
  }
}

function writeBest(row: Uint8Array, above: Uint8Array, pixel: number, candidate: Uint8Array, target: Uint8Array): void {
  let least = Infinity;
  for (let filter = 0; filter < FILTERS.length; filter++) {
    FILTERS[filter]!(row, above, pixel, candidate);
    const sum = sumOfMagnitudes(candidate);
    if (sum >= least) continue;
    least = sum;
    target[0] = filter;
    target.set(candidate, 1);
  }
}

function sumOfMagnitudes(differences: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < differences.length; i++) sum += Math.abs((differences[i]! << 24) >> 24);
  return sum;
}

/** The one of the three that is nearest to left + above - aboveLeft. */
function paeth(left: number, above: number, aboveLeft: number): number {
  const toLeft = Math.abs(above - aboveLeft);
  const toAbove = Math.abs(left - aboveLeft);
  const toAboveLeft = Math.abs(left + above - 2 * aboveLeft);
  if (toLeft <= toAbove && toLeft <= toAboveLeft) return left;
  return toAbove <= toAboveLeft ? above : aboveLeft;
}
