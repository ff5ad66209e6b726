import { checkMembers } from '../../fields/checkMembers.js';
import { checkPath } from '../../fields/checkPath.js';
import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ThimbleError } from '../../errors.js';
import { fileSystemError } from '../../disk/fileSystemError.js';
import { bitsPerElement } from './SafetensorsDtype.js';

/** A tensor to be written by {@link writeSafetensors}. */
export interface TensorToWrite {
  /** A `SafetensorsDtype`, or another type of the format, such as what a file that was read has. */
  readonly dtype: string;
  /** Row-major dimensions; empty for a scalar. */
  readonly shape: readonly number[];
  /** Little-endian bytes, or a function that makes them when it is their turn, whole or piece by piece, so that not all have to be in memory at once. */
  readonly data: Uint8Array | (() => Uint8Array | Promise<Uint8Array> | AsyncIterable<Uint8Array>);
}

/**
 * Writes a safetensors file that appears whole or not at all: it is written beside `path` and renamed. Tensors are stored widest
 * type first, then by name, so that each is aligned to its element's size; the header is padded with spaces to 8 bytes.
 *
 * @param path the file; one that exists is replaced
 * @param tensors by name
 * @param metadata the header's `__metadata__`
 * @throws `ERR_ARGUMENT_INVALID` where data does not fit dtype and shape; `ERR_DISK_FULL`; `ERR_FILE_ACCESS`; `ERR_FILE_NOT_FOUND`
 *   where the folder is missing; whatever a `data` function throws
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorToWrite>> | ReadonlyMap<string, TensorToWrite>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  checkPath('path', path);
  checkMembers('tensors', tensors, 'tensors by name', []);
  const entries = inFileOrder(tensors instanceof Map ? [...tensors] : Object.entries(tensors));
  const temporary = `${path}.${process.pid}-${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await writeEntries(handle, entries, metadata);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw fileSystemError(error, path, 'write');
  }
}

async function writeEntries(
  handle: FileHandle,
  entries: readonly (readonly [string, TensorToWrite])[],
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  try {
    await writeAll(handle, makeHeader(entries, metadata));
    for (const [name, tensor] of entries) await writeTensor(handle, name, tensor);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function inFileOrder(
  entries: readonly (readonly [string, TensorToWrite])[],
): readonly (readonly [string, TensorToWrite])[] {
  return entries.toSorted(
    ([nameA, a], [nameB, b]) => bitsOf(b.dtype) - bitsOf(a.dtype) || (nameA < nameB ? -1 : Number(nameA > nameB)),
  );
}

function makeHeader(
  entries: readonly (readonly [string, TensorToWrite])[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const header: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  for (const [name, tensor] of entries) {
    const begin = end;
    end += byteLengthOf(tensor);
    header.push([name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] }]);
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const bytes = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8));
  bytes.set(json, 8);
  return bytes;
}

/** Bytes that a tensor of its type and shape has. */
export function byteLengthOf(tensor: TensorToWrite): number {
  return tensor.shape.reduce((product, size) => product * size, bitsOf(tensor.dtype)) / 8;
}

function bitsOf(dtype: string): number {
  const bits = bitsPerElement(dtype);
  if (bits !== undefined) return bits;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'dtype',
    value: dtype,
    expected: 'a type of the safetensors format',
  });
}

/** A tensor's bytes piece by piece, made when it is their turn. */
export async function* piecesOf({ data }: TensorToWrite): AsyncGenerator<Uint8Array> {
  const made = typeof data === 'function' ? data() : data;
  yield* Symbol.asyncIterator in made ? made : [await made];
}

async function writeTensor(handle: FileHandle, name: string, tensor: TensorToWrite): Promise<void> {
  const expected = byteLengthOf(tensor);
  let written = 0;
  for await (const bytes of piecesOf(tensor)) {
    written += bytes.byteLength;
    if (written <= expected) await writeAll(handle, bytes);
  }
  if (written === expected) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: `tensors[${JSON.stringify(name)}].data`,
    value: `${written} bytes`,
    expected: `${expected} bytes, for ${tensor.dtype} [${tensor.shape.join(', ')}]`,
  });
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.byteLength - done, 64 * 2 ** 20));
    done += bytesWritten;
  }
}
