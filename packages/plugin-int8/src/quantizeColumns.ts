import { readRowPieces, rowLength, type TensorView } from '@thimble/core/plugin';

/** A weight as {@link quantizeColumns} makes it. */
export interface QuantizedColumns {
  /** [taps · in, out], row-major: what is multiplied with one pixel's window, or one token's features. */
  readonly codes: Int8Array;
  /** For each output channel what its codes are multiplied by. */
  readonly scales: Float32Array;
}

/**
 * Quantises a weight [out, in] or [out, in, height, width], symmetric with one scale for each output channel: its largest magnitude over `largest`.
 * Output channels become columns, in the order in which windows of channels-last pixels lie: tap by tap, and the channels within.
 *
 * @throws what `readRowPieces` throws
 */
export async function quantizeColumns(info: TensorView, largest: number): Promise<QuantizedColumns> {
  const [outputs = 1, inputs = 1] = info.shape;
  const width = rowLength(info);
  const codes = new Int8Array(outputs * width);
  const scales = new Float32Array(outputs);
  let row = 0;
  for await (const values of readRowPieces(info)) {
    for (let start = 0; start < values.length; start += width, row++) {
      const scale = largestMagnitude(values, start, width) / largest;
      scales[row] = scale;
      if (scale > 0) writeColumn(codes, values.subarray(start, start + width), { column: row, outputs, inputs, scale });
    }
  }
  return { codes, scales };
}

function largestMagnitude(values: Float32Array, start: number, count: number): number {
  let largest = 0;
  for (let i = start; i < start + count; i++) largest = Math.max(largest, Math.abs(values[i] as number));
  return largest;
}

function writeColumn(
  codes: Int8Array,
  values: Float32Array,
  { column, outputs, inputs, scale }: { column: number; outputs: number; inputs: number; scale: number },
): void {
  const taps = values.length / inputs;
  const factor = 1 / scale;
  for (let channel = 0, from = 0; channel < inputs; channel++) {
    for (let tap = 0; tap < taps; tap++, from++)
      codes[(tap * inputs + channel) * outputs + column] = Math.round(values[from]! * factor);
  }
}
