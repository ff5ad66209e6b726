import { checkView } from '../checkView.js';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ThimbleError } from '../../errors.js';
import { fileSystemError } from '../../disk/fileSystemError.js';
import type { TensorView } from '../TensorView.js';

/** The operating system reads at most 2 GiB at once. */
const CHUNK_BYTES = 64 * 2 ** 20;

/**
 * Reads the bytes of a tensor as stored, into memory of its own that starts at offset 0 of its buffer.
 *
 * @throws `ERR_SAFETENSORS_TENSOR` where the file has become shorter; `ERR_FILE_NOT_FOUND`; `ERR_FILE_ACCESS`
 */
export async function readTensor(info: TensorView): Promise<Uint8Array> {
  checkView(info);
  const bytes = new Uint8Array(info.byteLength);
  try {
    const handle = await open(info.file, 'r');
    try {
      await fillFrom(handle, bytes, info, 0);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileSystemError(error, info.file, 'read');
  }
  return bytes;
}

/** Fills `bytes` with those of a tensor from its byte `start` on, in the order of its rows. @throws ERR_SAFETENSORS_TENSOR where the file has become shorter */
export async function fillFrom(handle: FileHandle, bytes: Uint8Array, info: TensorView, start: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const at = placeInFile(info, start + done);
    const length = Math.min(CHUNK_BYTES, bytes.length - done, at.left);
    const { bytesRead } = await handle.read(bytes, done, length, info.offset + at.offset);
    if (bytesRead === 0) {
      const problem = `its data ends after ${start + done} of ${info.byteLength} bytes; the file was changed while in use`;
      throw new ThimbleError('ERR_SAFETENSORS_TENSOR', { file: info.file, tensor: info.name, problem });
    }
    done += bytesRead;
  }
}

/** Where a byte of a tensor lies, and how many follow it there. */
function placeInFile(
  { byteLength, swapped }: TensorView,
  byte: number,
): { readonly offset: number; readonly left: number } {
  const half = byteLength / 2;
  if (swapped !== true) return { offset: byte, left: byteLength - byte };
  return byte < half ? { offset: byte + half, left: half - byte } : { offset: byte - half, left: byteLength - byte };
}
