import { type FileHandle, open, realpath } from 'node:fs/promises';
import { fileSystemError, type TensorFile, type TensorView } from '@thimble/core/plugin';
import { GgufError } from './GgufError.js';
import type { GgufValue } from './GgufArray.js';
import { tokenizerFilesOf } from './tokenizers/tokenizerFilesOf.js';
import { type GgufHeader, parseGgufHeader } from './parseGgufHeader.js';

/** Enough for a header without a tokenizer. */
const FIRST_BYTES = 2 ** 20;
const MAX_HEADER_BYTES = 2 ** 28;

/** A GGUF file whose header was read and checked. It holds no file open, and no data in memory. */
export class GgufFile implements TensorFile {
  /** Absolute path with every symbolic link resolved. */
  readonly path: string;
  /** Of the format: 2 or 3. */
  readonly version: number;
  /** By name, in the order of the header; shapes are row-major. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** By key, such as `general.architecture`. Arrays of more than 1024 elements are read when they are asked for. */
  readonly metadata: Readonly<Record<string, GgufValue>>;

  /** Set where the metadata hold a tokenizer, such as Qwen's or T5's: makes the files of its folder, by name. */
  readonly tokenizerFiles: (() => Promise<ReadonlyMap<string, string>>) | undefined;

  private constructor(path: string, { version, tensors, metadata }: GgufHeader) {
    this.path = path;
    this.version = version;
    this.tensors = tensors;
    this.metadata = metadata;
    this.tokenizerFiles = tokenizerFilesOf(metadata);
  }

  /**
   * Reads and checks the header of a file; its data is not touched.
   *
   * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_GGUF_HEADER`, `ERR_GGUF_TENSOR`
   */
  static async open(path: string): Promise<GgufFile> {
    try {
      const file = await realpath(path);
      const handle = await open(file, 'r');
      try {
        return new GgufFile(file, await readHeader(handle, file));
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw fileSystemError(error, path, 'read');
    }
  }
}

/** Reads as much of the file as its header takes, and parses it. */
async function readHeader(handle: FileHandle, file: string): Promise<GgufHeader> {
  const { size: fileSize } = await handle.stat();
  const source = { file, fileSize, read: async (offset: number, length: number) => readRange(file, offset, length) };
  for (let length = FIRST_BYTES; ; length *= 4) {
    const header = parseGgufHeader(await readBytes(handle, 0, Math.min(length, fileSize)), source);
    if (header !== undefined) return header;
    if (length >= MAX_HEADER_BYTES)
      throw new GgufError('ERR_GGUF_HEADER', { file, problem: `its header has more than ${MAX_HEADER_BYTES} bytes` });
  }
}

async function readRange(file: string, offset: number, length: number): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      return await readBytes(handle, offset, length);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileSystemError(error, file, 'read');
  }
}

async function readBytes(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position });
  return buffer.subarray(0, bytesRead);
}
