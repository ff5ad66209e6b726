import { realpath } from 'node:fs/promises';
import { checkPath } from '../../fields/checkPath.js';
import type { FileHandle } from 'node:fs/promises';
import { ThimbleError } from '../../errors.js';
import { fileSystemError } from '../../disk/fileSystemError.js';
import { openForReading } from '../../disk/openForReading.js';
import { parseSafetensorsHeader } from './parseSafetensorsHeader.js';
import type { SafetensorsHeader } from './parseSafetensorsHeader.js';
import { readTensor } from './readTensor.js';
import { readTensorFloat32 } from './readTensorFloat32.js';
import type { TensorFile } from './TensorFile.js';
import type { TensorView } from '../TensorView.js';

const LENGTH_BYTES = 8;
/** The reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** A safetensors file whose header was read and checked. It holds no file open, and no data in memory. */
export class SafetensorsFile implements TensorFile {
  /** Absolute path with every symbolic link resolved. */
  readonly path: string;
  /** By name, in the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** The header's `__metadata__`; empty where there is none. */
  readonly metadata: Readonly<Record<string, string>>;

  private constructor(path: string, header: SafetensorsHeader) {
    this.path = path;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
  }

  /**
   * Reads and checks the header of a file; its data is not touched.
   *
   * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_SAFETENSORS_HEADER`, `ERR_SAFETENSORS_TENSOR`, `ERR_DTYPE_UNSUPPORTED`
   */
  static async open(path: string): Promise<SafetensorsFile> {
    checkPath('path', path);
    try {
      const file = await realpath(path);
      const handle = await openForReading(file);
      try {
        return new SafetensorsFile(file, await readHeader(handle, file));
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw fileSystemError(error, path, 'read');
    }
  }

  /**
   * The tensor called `name`.
   *
   * @throws `ERR_TENSOR_NOT_FOUND`
   */
  tensor(name: string): TensorView {
    const info = this.tensors.get(name);
    if (info !== undefined) return info;
    throw new ThimbleError('ERR_TENSOR_NOT_FOUND', { file: this.path, tensor: name, count: this.tensors.size });
  }

  /**
   * The bytes of the tensor called `name`, as stored.
   *
   * @throws `ERR_TENSOR_NOT_FOUND` and what {@link readTensor} throws
   */
  async read(name: string): Promise<Uint8Array> {
    return readTensor(this.tensor(name));
  }

  /**
   * The elements of the tensor called `name` as float32, row-major.
   *
   * @throws `ERR_TENSOR_NOT_FOUND` and what {@link readTensor} throws
   */
  async readFloat32(name: string): Promise<Float32Array> {
    return readTensorFloat32(this.tensor(name));
  }
}

async function readHeader(handle: FileHandle, file: string): Promise<SafetensorsHeader> {
  const { size: fileSize } = await handle.stat();
  const fail = (problem: string): never => {
    throw new ThimbleError('ERR_SAFETENSORS_HEADER', { file, problem });
  };
  if (fileSize < LENGTH_BYTES) return fail(`it has ${fileSize} bytes, too few for a header`);
  const length = Number((await readExactly(handle, 0, LENGTH_BYTES)).readBigUInt64LE());
  if (length > MAX_HEADER_BYTES)
    return fail(`its header would have ${length} bytes, more than the ${MAX_HEADER_BYTES} allowed`);
  if (LENGTH_BYTES + length > fileSize)
    return fail(`its header would have ${length} bytes, but the file has only ${fileSize}`);
  const json = await readExactly(handle, LENGTH_BYTES, length);
  return parseSafetensorsHeader(json, { file, dataStart: LENGTH_BYTES + length, fileSize });
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await handle.read({ buffer, position });
  return buffer;
}
