import { checkView } from '../checkView.js';
import { open } from 'node:fs/promises';
import { fileSystemError } from '../../disk/fileSystemError.js';
import { PieceBuffers } from './PieceBuffers.js';
import { fillFrom } from './readTensor.js';
import type { TensorView } from '../TensorView.js';

/** Every piece is also worked on in one go, between two turns of the event loop. */
const PIECE_BYTES = 2 ** 20;

/**
 * Reads the bytes of a tensor as stored, about a megabyte at a time, so that a large one need not be in memory. The pieces share one buffer, from
 * its start: each is overwritten by the next.
 *
 * @param multipleOf every piece is whole units of so many bytes, such as the bytes of a row; by default of 8
 * @param buffers where the pieces are; memory of their own by default
 * @throws what `readTensor` throws
 */
export async function* readTensorPieces(
  info: TensorView,
  multipleOf = 8,
  buffers: PieceBuffers = new PieceBuffers(),
): AsyncGenerator<Uint8Array, void> {
  checkView(info);
  const size = Math.min(info.byteLength, Math.max(1, Math.floor(PIECE_BYTES / multipleOf)) * multipleOf);
  const buffer = buffers.bytes(size);
  const handle = await open(info.file, 'r').catch((error: unknown) => {
    throw fileSystemError(error, info.file, 'read');
  });
  try {
    for (let done = 0; done < info.byteLength; done += size) {
      const piece = buffer.subarray(0, Math.min(size, info.byteLength - done));
      await fillFrom(handle, piece, info, done);
      yield piece;
    }
  } finally {
    await handle.close();
  }
}
