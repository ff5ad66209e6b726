import { type PieceBuffers, readRowPieces, rowLength, type TensorView } from '@thimble/core/plugin';
import type { CodeLimits } from './CodeLimits.js';

/**
 * For each output channel of a weight [out, in] or [out, in, height, width] what its codes are multiplied by, [out]: the smallest with which they keep to `limits`.
 *
 * Not rounded to float32 yet, as codes are made by them.
 *
 * @param buffers where what is read lies meanwhile
 * @throws what `readRowPieces` throws
 */
export async function columnScales(info: TensorView, limits: CodeLimits, buffers: PieceBuffers): Promise<Float64Array> {
  const [outputs = 1, inputs = 1] = info.shape;
  const width = rowLength(info);
  const scales = new Float64Array(outputs);
  let row = 0;
  for await (const values of readRowPieces(info, buffers))
    for (let start = 0; start < values.length; start += width, row++)
      scales[row] = scaleOf(values.subarray(start, start + width), inputs, limits);
  return scales;
}

/**
 * The codes of a weight, int8 [taps · in, out], row-major: what is multiplied with one pixel's window, or one token's features. Symmetric, with one scale for each output channel. Output channels become columns, in the
 * order in which windows of channels-last pixels lie: tap by tap, and the channels within.
 *
 * @param scales those of {@link columnScales}
 * @param buffers where the codes lie, from the start of their buffer, and what is read meanwhile: overwritten by the next weight's
 * @throws what `readRowPieces` throws
 */
export async function quantizeColumns(
  info: TensorView,
  scales: Float64Array,
  buffers: PieceBuffers,
): Promise<Uint8Array> {
  const [outputs = 1, inputs = 1] = info.shape;
  const width = rowLength(info);
  const bytes = buffers.codes(outputs * width);
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length).fill(0);
  let row = 0;
  for await (const values of readRowPieces(info, buffers)) {
    for (let start = 0; start < values.length; start += width, row++) {
      const scale = scales[row] as number;
      const column = values.subarray(start, start + width);
      if (scale > 0) writeColumn(codes, column, { column: row, outputs, inputs, scale });
    }
  }
  return bytes;
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
