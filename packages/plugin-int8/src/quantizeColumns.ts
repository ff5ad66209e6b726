import { readRowPieces, rowLength, type TensorView } from '@thimble/core/plugin';
import type { CodeLimits } from './CodeLimits.js';

/** A weight as {@link quantizeColumns} makes it. */
export interface QuantizedColumns {
  /** [taps · in, out], row-major: what is multiplied with one pixel's window, or one token's features. */
  readonly codes: Int8Array;
  /** For each output channel what its codes are multiplied by. */
  readonly scales: Float32Array;
}

/**
 * Quantises a weight [out, in] or [out, in, height, width], symmetric with one scale for each output channel: the smallest with which the codes keep to `limits`.
 * Output channels become columns, in the order in which windows of channels-last pixels lie: tap by tap, and the channels within.
 *
 * @throws what `readRowPieces` throws
 */
export async function quantizeColumns(info: TensorView, limits: CodeLimits): Promise<QuantizedColumns> {
  const [outputs = 1, inputs = 1] = info.shape;
  const width = rowLength(info);
  const codes = new Int8Array(outputs * width);
  const scales = new Float32Array(outputs);
  let row = 0;
  for await (const values of readRowPieces(info)) {
    for (let start = 0; start < values.length; start += width, row++) {
      const column = values.subarray(start, start + width);
      const scale = scaleOf(column, inputs, limits);
      scales[row] = scale;
      if (scale > 0) writeColumn(codes, column, { column: row, outputs, inputs, scale });
    }
  }
  return { codes, scales };
}

function scaleOf(values: Float32Array, inputs: number, { code, pair }: CodeLimits): number {
  const single = largestMagnitude(values) / code;
  // Each code of a pair may be rounded half a step away from zero.
  return pair === Infinity ? single : Math.max(single, largestPair(values, inputs) / (pair - 1));
}

function largestMagnitude(values: Float32Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** Largest magnitude of the sum of two neighbours of a column: in the order that it is written in, the first and the second, the third and the fourth. */
function largestPair(values: Float32Array, inputs: number): number {
  const taps = values.length / inputs;
  let largest = 0;
  let first = 0;
  for (let tap = 0, place = 0; tap < taps; tap++) {
    for (let channel = 0; channel < inputs; channel++, place++) {
      const value = values[channel * taps + tap] as number;
      if (place % 2 === 0) first = value;
      else largest = Math.max(largest, Math.abs(first + value));
    }
  }
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
