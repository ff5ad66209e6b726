import { checkPath } from '../../fields/checkPath.js';
import { extname } from 'node:path';
import { fileSystemError } from '../../disk/fileSystemError.js';
import { openForReading } from '../../disk/openForReading.js';
import { ThimbleError } from '../../errors.js';
import { pickleConversion } from './pickleConversion.js';
import type { TensorFile } from './TensorFile.js';
import { tensorFileFormats } from './tensorFileFormats.js';

const HEAD_BYTES = 16;
/** PyTorch's files: a zip archive with a pickle in it, or, of old, pickles one after another (protocol 2 and up). */
const PICKLES: readonly (readonly number[])[] = [
  [0x50, 0x4b, 0x03, 0x04],
  [0x80, 0x02],
  [0x80, 0x03],
  [0x80, 0x04],
  [0x80, 0x05],
];
const PICKLE_NAMES = /\.(?:ckpt|pt|pth|bin|pkl)$/i;

/**
 * Opens a file of tensors by the format that its first bytes show, whatever it is called. A file of no format is opened by the one that its name says, for what that says of it.
 *
 * @throws `ERR_PICKLE_REFUSED` for PyTorch's own files; `ERR_TENSOR_FILE_UNKNOWN`; `ERR_FILE_NOT_FOUND`; `ERR_FILE_ACCESS`; what the format's `open` throws
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  checkPath('path', path);
  const head = await readHead(path);
  const formats = tensorFileFormats();
  const known = formats.find((format) => format.matches(head));
  if (known !== undefined) return known.open(path);
  if (isPickle(head, path))
    throw new ThimbleError('ERR_PICKLE_REFUSED', { file: path, conversion: pickleConversion(path) });
  const named = formats.find(({ extensions }) => extensions.includes(extname(path).toLowerCase()));
  if (named !== undefined) return named.open(path);
  throw new ThimbleError('ERR_TENSOR_FILE_UNKNOWN', { file: path, formats: formats.map(({ name }) => name) });
}

function isPickle(head: Uint8Array, path: string): boolean {
  return PICKLE_NAMES.test(path) || PICKLES.some((magic) => magic.every((byte, at) => head[at] === byte));
}

async function readHead(path: string): Promise<Uint8Array> {
  try {
    const handle = await openForReading(path);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileSystemError(error, path, 'read');
  }
}
