import { bytesPerElement, type SafetensorsDtype } from './SafetensorsDtype.js';
import { decodeBfloat16 } from './decodeBfloat16.js';
import { decodeFloat16 } from './decodeFloat16.js';
import { readTensorPieces } from './readTensorPieces.js';
import type { TensorInfo } from './TensorInfo.js';

const DECODERS = { F16: decodeFloat16, BF16: decodeBfloat16 } as const;
const EVERY_CODE = Uint16Array.from({ length: 2 ** 16 }, (_, code) => code);

/** What every code stands for: looking it up is four times as fast as decoding a whole model. */
const tables: { F16?: Float32Array; BF16?: Float32Array } = {};

/** Types that {@link readRowPieces} reads. */
export const ROW_DTYPES: ReadonlySet<SafetensorsDtype> = new Set(['F32', 'F16', 'BF16']);

/** Elements of one row, an index on the first axis. */
export function rowLength({ shape }: Pick<TensorInfo, 'shape'>): number {
  return shape.slice(1).reduce((a, b) => a * b, 1);
}

/**
 * Reads a tensor of float32, float16 or bfloat16 as float32, in pieces of whole rows of about a megabyte. Each piece is overwritten by the next.
 *
 * @throws what `readTensor` throws
 */
export async function* readRowPieces(info: TensorInfo): AsyncGenerator<Float32Array, void> {
  const table =
    info.dtype === 'F32'
      ? undefined
      : (tables[info.dtype as keyof typeof DECODERS] ??= DECODERS[info.dtype as keyof typeof DECODERS](EVERY_CODE));
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
