import { readTensorPieces } from '../../weights/files/readTensorPieces.js';
import { rowLength } from '../../weights/TensorView.js';
import { gatherRows } from './elementwise.js';
import { readDecoded } from './readDecoded.js';
import type { StorageFormat } from './StorageFormat.js';

const BYTES = 4;

/** What graphs compute in: it is mapped, and nothing is widened. */
export const float32: StorageFormat = {
  dtype: 'F32',
  elementType: 'float32',
  block: { elements: 1, bytes: BYTES },
  widenedBytes: 0,
  widen: (weight, output, emit) => emit.last('Identity', [emit.bytes(weight, 'float32')], output),
  widenRows: (weight, site, output, emit) => emit.last('Identity', [gatherRows(weight, 'float32', site, emit)], output),
  async *read(view, buffers) {
    if (view.transposed !== undefined)
      return yield* readDecoded(view, (piece, values) => values.set(new Float32Array(piece.buffer, piece.byteOffset)));
    for await (const piece of readTensorPieces(view, rowLength(view) * BYTES, buffers))
      yield new Float32Array(piece.buffer, 0, piece.byteLength / BYTES);
  },
};
