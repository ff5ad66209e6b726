import { readRowPieces, rowLength, type TensorView } from '@thimble/core/plugin';

/** Largest code: symmetric, so that -128 is not used. */
const LARGEST = 127;

/** Finds the scale of every row (index on the first axis): its largest magnitude over 127. */
export async function scalesOf(view: TensorView): Promise<Float32Array> {
  const scales = new Float32Array(view.shape[0] ?? 1);
  await forEachRow(view, (row, values) => {
    let largest = 0;
    for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] as number));
    scales[row] = largest / LARGEST;
  });
  return scales;
}

/** The rows of a tensor, divided by their scales and rounded to the nearest, ties to even; piece by piece. */
export async function* quantizedRows(view: TensorView, scales: Float32Array): AsyncGenerator<Uint8Array, void> {
  const width = rowLength(view);
  let row = 0;
  let buffer: Int8Array | undefined;
  for await (const values of readRowPieces(view)) {
    buffer ??= new Int8Array(values.length);
    const codes = buffer.subarray(0, values.length);
    for (let start = 0; start < values.length; start += width, row++) {
      const scale = scales[row] as number;
      for (let i = start; i < start + width; i++)
        codes[i] = scale === 0 ? 0 : roundHalfToEven((values[i] as number) / scale);
    }
    yield new Uint8Array(codes.buffer, 0, codes.length);
  }
}

async function forEachRow(view: TensorView, visit: (row: number, values: Float32Array) => void): Promise<void> {
  const width = rowLength(view);
  let row = 0;
  for await (const values of readRowPieces(view))
    for (let start = 0; start < values.length; start += width) visit(row++, values.subarray(start, start + width));
}

/** Adding 1.5 · 2^52 leaves no bits for a fraction, and the addition itself rounds half to even. */
function roundHalfToEven(value: number): number {
  return value + 0x18000000000000 - 0x18000000000000;
}
