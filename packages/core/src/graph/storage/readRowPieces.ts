import { checkView } from '../../weights/checkView.js';
import { ThimbleError } from '../../errors.js';
import type { TensorView } from '../../weights/TensorView.js';
import type { PieceBuffers } from '../../weights/files/PieceBuffers.js';
import { storageFormatOf, storageFormatNames } from './storageFormats.js';

/**
 * Reads a weight as float32, whatever it is stored in, in pieces of whole rows of about a megabyte. Each piece is overwritten by the next.
 *
 * @param buffers where the pieces are; memory of their own by default
 * @throws ERR_DTYPE_UNSUPPORTED for a type that weights cannot have; what `readTensor` throws
 */
export function readRowPieces(view: TensorView, buffers?: PieceBuffers): AsyncGenerator<Float32Array, void> {
  checkView(view);
  const format = storageFormatOf(view.dtype);
  if (format !== undefined) return format.read(view, buffers);
  const { file, name: tensor, dtype } = view;
  throw new ThimbleError('ERR_DTYPE_UNSUPPORTED', { file, tensor, dtype, supported: storageFormatNames().join(', ') });
}

/**
 * Reads a weight as float32 at once, whatever it is stored in. For small ones: large weights are read by {@link readRowPieces}, or mapped.
 *
 * @returns row-major elements of `view.shape`
 * @throws what {@link readRowPieces} throws
 */
export async function readWeight(view: TensorView): Promise<Float32Array> {
  checkView(view);
  const values = new Float32Array(view.shape.reduce((a, b) => a * b, 1));
  let done = 0;
  for await (const piece of readRowPieces(view)) {
    values.set(piece, done);
    done += piece.length;
  }
  return values;
}
