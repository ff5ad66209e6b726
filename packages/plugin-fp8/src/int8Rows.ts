import { bytesPerElement, decodeBfloat16, decodeFloat16, readTensorPieces, type TensorInfo } from '@thimble/core';

/** Largest code: symmetric, so that -128 is not used. */
const LARGEST = 127;

const DECODERS = { F16: decodeFloat16, BF16: decodeBfloat16 } as const;
const EVERY_CODE = Uint16Array.from({ length: 2 ** 16 }, (_, code) => code);

/** What every code stands for: looking it up is four times as fast as decoding a whole model. */
const tables: { F16?: Float32Array; BF16?: Float32Array } = {};

/** Finds the scale of every row (index on the first axis): its largest magnitude over 127. */
export async function scalesOf(info: TensorInfo): Promise<Float32Array> {
  const scales = new Float32Array(info.shape[0] ?? 1);
  await forEachRow(info, (row, values) => {
    let largest = 0;
    for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] as number));
    scales[row] = largest / LARGEST;
  });
  return scales;
}

/** The rows of a tensor, divided by their scales and rounded to the nearest, ties to even; piece by piece. */
export async function * quantizedRows(info: TensorInfo, scales: Float32Array): AsyncGenerator<Uint8Array, void> {
  const width = rowLength(info);
  let row = 0;
  let buffer: Int8Array | undefined;
  for await (const values of rowPieces(info)) {
    buffer ??= new Int8Array(values.length);
    const codes = buffer.subarray(0, values.length);
    for (let start = 0; start < values.length; start += width, row++) {
      const scale = scales[row] as number;
      for (let i = start; i < start + width; i++) codes[i] = scale === 0 ? 0 : roundHalfToEven((values[i] as number) / scale);
    }
    yield new Uint8Array(codes.buffer, 0, codes.length);
  }
}

async function forEachRow(info: TensorInfo, visit: (row: number, values: Float32Array) => void): Promise<void> {
  const width = rowLength(info);
  let row = 0;
  for await (const values of rowPieces(info)) for (let start = 0; start < values.length; start += width) visit(row++, values.subarray(start, start + width));
}

/** Whole rows as float32. Each piece is overwritten by the next. */
async function * rowPieces(info: TensorInfo): AsyncGenerator<Float32Array, void> {
  const table = info.dtype === 'F32' ? undefined : (tables[info.dtype as keyof typeof DECODERS] ??= DECODERS[info.dtype as keyof typeof DECODERS](EVERY_CODE));
  let buffer: Float32Array | undefined;
  for await (const piece of readTensorPieces(info, rowLength(info) * bytesPerElement(info.dtype))) {
    if (table === undefined) yield new Float32Array(piece.buffer, 0, piece.byteLength / 4);
    else {
      const codes = new Uint16Array(piece.buffer, 0, piece.byteLength / 2);
      buffer ??= new Float32Array(codes.length);
      for (let i = 0; i < codes.length; i++) buffer[i] = table[codes[i]!]!;
      yield buffer.subarray(0, codes.length);
    }
  }
}

function rowLength({ shape }: TensorInfo): number {
  return shape.slice(1).reduce((a, b) => a * b, 1);
}

/** Adding 1.5 · 2^52 leaves no bits for a fraction, and the addition itself rounds half to even. */
function roundHalfToEven(value: number): number {
  return value + 0x18000000000000 - 0x18000000000000;
}
