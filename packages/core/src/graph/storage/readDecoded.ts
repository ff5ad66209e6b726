import { readTensor } from '../../weights/files/readTensor.js';
import { PieceBuffers } from '../../weights/files/PieceBuffers.js';
import { readTensorPieces } from '../../weights/files/readTensorPieces.js';
import { rowLength, type TensorView } from '../../weights/TensorView.js';

/** Decodes whole blocks of a format into as many float32. `piece` starts on a multiple of 8 bytes of its buffer. */
export type DecodeBlocks = (piece: Uint8Array, values: Float32Array) => void;

const PIECE_ELEMENTS = 2 ** 18;

/**
 * Reads a tensor in pieces of whole rows of about a megabyte and decodes them; each piece is overwritten by the next. A matrix that lies transposed is read as a
 * whole first.
 *
 * @param buffers where the pieces are; memory of their own by default
 * @throws what `readTensor` throws
 */
export async function* readDecoded(
  view: TensorView,
  decode: DecodeBlocks,
  buffers: PieceBuffers = new PieceBuffers(),
): AsyncGenerator<Float32Array, void> {
  if (view.transposed !== undefined) return yield* readTransposed(view, decode);
  const width = rowLength(view);
  const rowBytes = view.byteLength / (view.shape[0] ?? 1);
  for await (const piece of readTensorPieces(view, rowBytes, buffers)) {
    const values = buffers.values((piece.byteLength / rowBytes) * width);
    decode(piece, values);
    yield values;
  }
}

async function* readTransposed(view: TensorView, decode: DecodeBlocks): AsyncGenerator<Float32Array, void> {
  const { start, of } = view.transposed as NonNullable<TensorView['transposed']>;
  const [rows, width] = view.shape as readonly [number, number];
  const stored = new Float32Array(width * of);
  decode(await readTensor(view), stored);
  const most = Math.max(1, Math.floor(PIECE_ELEMENTS / width));
  const buffer = new Float32Array(Math.min(rows, most) * width);
  for (let row = 0; row < rows; row += most) {
    const values = buffer.subarray(0, Math.min(most, rows - row) * width);
    for (let i = 0; i < values.length; i++)
      values[i] = stored[(i % width) * of + start + row + Math.floor(i / width)] as number;
    yield values;
  }
}
