import {
  type BoundWeight,
  decodeFloat16,
  readDecoded,
  type StorageEmitter,
  type StorageFormat,
} from '../../src/plugin.js';

const BLOCK = { elements: 32, bytes: 34 };
const TO_FLOAT32 = { to: { int: 1 } };

/** GGUF's Q8_0, as an outsider would write it: blocks of 32 elements of one float16 scale and 32 int8. */
export const q8_0: StorageFormat = {
  dtype: 'Q8_0',
  block: BLOCK,
  // The codes, the codes as float32, and their products.
  widenedBytes: 9,
  widen(weight, output, emit) {
    const { codes, scales } = blocksOf(weight, [weight.source.byteLength / BLOCK.bytes], emit);
    emit.last('Reshape', [multiply(codes, scales, emit), sizes(weight.dims, emit)], output);
  },
  widenRows(weight, { ids, rank }, output, emit) {
    const [rows = 1, width = 1] = weight.source.shape;
    const { codes, scales } = blocksOf(weight, [rows, width / BLOCK.elements], emit);
    const values = multiply(emit.one('Gather', [codes, ids]), emit.one('Gather', [scales, ids]), emit);
    const kept = Array.from({ length: rank }, () => 0);
    emit.last('Reshape', [values, sizes([...kept, width], emit)], output);
  },
  read: (view) =>
    readDecoded(view, (piece, values) => {
      for (let block = 0, at = 0; at < piece.length; block++, at += BLOCK.bytes) {
        const [scale = 0] = decodeFloat16(Uint16Array.of(piece[at]! | (piece[at + 1]! << 8)));
        for (let i = 0; i < BLOCK.elements; i++)
          values[block * BLOCK.elements + i] = ((piece[at + 2 + i]! << 24) >> 24) * scale;
      }
    }),
};

/** The same bytes, seen twice: as int8 for the codes, as float16 for the scales. */
function blocksOf(
  weight: BoundWeight,
  blocks: readonly number[],
  emit: StorageEmitter,
): { readonly codes: string; readonly scales: string } {
  return {
    codes: emit.bytes(weight, 'int8', [...blocks, BLOCK.bytes]),
    scales: emit.bytes(weight, 'float16', [...blocks, BLOCK.bytes / 2]),
  };
}

function multiply(codes: string, scales: string, emit: StorageEmitter): string {
  return emit.one('Mul', [part(codes, 2, BLOCK.bytes, emit), part(scales, 0, 1, emit)]);
}

function part(value: string, from: number, to: number, emit: StorageEmitter): string {
  const [start, end, axis] = [from, to, -1].map((at) => emit.constant('int64', [1], [at])) as [string, string, string];
  return emit.one('Cast', [emit.one('Slice', [value, start, end, axis])], TO_FLOAT32);
}

function sizes(dims: readonly number[], emit: StorageEmitter): string {
  return emit.constant('int64', [dims.length], dims);
}

/** Rounds float32 to Q8_0. `values` are whole blocks. */
export function encodeQ8_0(values: Float32Array, encodeFloat16: (values: Float32Array) => Uint16Array): Uint8Array {
  const blocks = values.length / BLOCK.elements;
  const bytes = new Uint8Array(blocks * BLOCK.bytes);
  for (let block = 0; block < blocks; block++) {
    const part32 = values.subarray(block * BLOCK.elements, (block + 1) * BLOCK.elements);
    const code = encodeFloat16(Float32Array.of(Math.max(...part32.map(Math.abs)) / 127));
    const [scale = 0] = decodeFloat16(code);
    bytes.set(new Uint8Array(code.buffer), block * BLOCK.bytes);
    bytes.set(
      new Uint8Array(
        Int8Array.from(part32, (value) => Math.max(-127, Math.min(127, Math.round(value / scale)))).buffer,
      ),
      block * BLOCK.bytes + 2,
    );
  }
  return bytes;
}
