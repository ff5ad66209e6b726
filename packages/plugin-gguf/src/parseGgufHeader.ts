import type { TensorView } from '@thimble/core/plugin';
import { BinaryReader, EndOfBytes } from './BinaryReader.js';
import { ggmlTypes } from './ggmlTypes.js';
import { GgufError } from './GgufError.js';
import type { GgufArray, GgufScalar, GgufValue } from './GgufArray.js';

/** What the header of a GGUF file says, checked. */
export interface GgufHeader {
  readonly version: number;
  readonly metadata: Readonly<Record<string, GgufValue>>;
  /** By name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorView>;
}

/** Where the bytes of a header are from. */
export interface GgufSource {
  /** The real path of the file. */
  readonly file: string;
  /** In bytes. */
  readonly fileSize: number;
  /** Reads bytes of the file; for long arrays, when they are asked for. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>;
}

const MAGIC = 0x46554747;
const STRING = 8;
const ARRAY = 9;
/** Longer arrays are read when they are asked for. */
const SHORT_ARRAY = 1024;
const MAX_KEY_BYTES = 65_535;
const MAX_DIMENSIONS = 4;
const DEFAULT_ALIGNMENT = 32;
/** A tensor whose shape the format's four dimensions, or blocks of 256, could not hold has its own shape here (city96's ComfyUI-GGUF). */
const ORIGINAL_SHAPE = 'comfy.gguf.orig_shape.';

/** The types of metadata by their numbers (`gguf_metadata_value_type`), but for arrays. */
const scalars: ReadonlyMap<number, readonly [bytes: number, read: (reader: BinaryReader) => GgufScalar]> = new Map([
  [0, [1, (reader) => reader.uint8()]],
  [1, [1, (reader) => reader.int8()]],
  [2, [2, (reader) => reader.uint16()]],
  [3, [2, (reader) => reader.int16()]],
  [4, [4, (reader) => reader.uint32()]],
  [5, [4, (reader) => reader.int32()]],
  [6, [4, (reader) => reader.float32()]],
  [7, [1, readBoolean]],
  [STRING, [8, readText]],
  [10, [8, (reader) => small(reader.uint64())]],
  [11, [8, (reader) => small(reader.int64())]],
  [12, [8, (reader) => reader.float64()]],
]);

/** What is wrong with a header, before it is known of which file. */
class Problem extends Error {}

/**
 * Parses the header of a GGUF file, version 2 or 3, and checks it against the file's size by the rules of ggml's reader: names are there once, tensors begin where the ones before them
 * end, on multiples of the alignment, and lie in the file. `bytes` are its first ones.
 *
 * @returns `undefined` where the header goes on behind `bytes`
 * @throws `ERR_GGUF_HEADER`, `ERR_GGUF_TENSOR`
 */
export function parseGgufHeader(bytes: Uint8Array, source: GgufSource): GgufHeader | undefined {
  try {
    return readHeader(new BinaryReader(bytes), source);
  } catch (error) {
    if (error instanceof EndOfBytes && bytes.byteLength < source.fileSize) return undefined;
    throw told(error, source);
  }
}

/** An error with the file that it is about. */
function told(error: unknown, source: GgufSource): unknown {
  if (error instanceof EndOfBytes) return failure(source, 'it ends within its header');
  return error instanceof Problem ? failure(source, error.message) : error;
}

function failure({ file }: GgufSource, problem: string): Error {
  return new GgufError('ERR_GGUF_HEADER', { file, problem });
}

function readHeader(reader: BinaryReader, source: GgufSource): GgufHeader {
  if (reader.uint32() !== MAGIC) throw new Problem('it does not begin with "GGUF"');
  const version = reader.uint32();
  if (version !== 0 && (version & 0xffff) === 0) throw new Problem('it is big-endian, which is not supported');
  if (version !== 2 && version !== 3) throw new Problem(`its version is ${version}; 2 and 3 are supported`);
  // A tensor takes at least 24 bytes of the header and a value 13, so a count beyond is no count.
  const tensorCount = readCount(reader, 'tensors', source.fileSize / 24);
  const valueCount = readCount(reader, 'values', source.fileSize / 13);
  const metadata: Record<string, GgufValue> = Object.create(null) as Record<string, GgufValue>;
  for (let i = 0; i < valueCount; i++) {
    const key = readName(reader, 'a key');
    if (key in metadata) throw new Problem(`it has the key "${key}" twice`);
    metadata[key] = readValue(reader, key, source);
  }
  const infos: TensorInfo[] = [];
  for (let i = 0; i < tensorCount; i++) infos.push(readTensorInfo(reader, source));
  return { version, metadata, tensors: place(infos, alignmentOf(metadata), reader.position, metadata, source) };
}

function readCount(reader: BinaryReader, what: string, most: number): number {
  const count = reader.uint64();
  if (count > BigInt(Math.floor(most))) throw new Problem(`it claims ${count} ${what}, more than it has bytes for`);
  return Number(count);
}

function readBoolean(reader: BinaryReader): boolean {
  const value = reader.uint8();
  if (value > 1) throw new Problem(`it has a boolean that is ${value}`);
  return value === 1;
}

function small(value: bigint): number | bigint {
  return BigInt(Number.MIN_SAFE_INTEGER) <= value && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function readText(reader: BinaryReader): string {
  return decode(reader.bytes(readLength(reader)));
}

function readLength(reader: BinaryReader): number {
  const length = reader.uint64();
  if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new Problem(`it has a text of ${length} bytes`);
  return Number(length);
}

/** Vocabularies hold pieces of characters, so a value need not be UTF-8; a name has to be. */
function decode(bytes: Uint8Array, fatal = false): string {
  return new TextDecoder('utf-8', { fatal, ignoreBOM: true }).decode(bytes);
}

function readName(reader: BinaryReader, what: string): string {
  const length = readLength(reader);
  if (length === 0 || length > MAX_KEY_BYTES)
    throw new Problem(`${what} has ${length} bytes; 1 to ${MAX_KEY_BYTES} are allowed`);
  const bytes = reader.bytes(length);
  try {
    return decode(bytes, true);
  } catch {
    throw new Problem(`${what} is not UTF-8 text`);
  }
}

function readValue(reader: BinaryReader, key: string, source: GgufSource): GgufValue {
  const type = reader.uint32();
  if (type !== ARRAY) return scalarOf(type, key)[1](reader);
  const [size, read] = scalarOf(reader.uint32(), key);
  const length = readCount(reader, `elements of "${key}"`, source.fileSize / size);
  if (length <= SHORT_ARRAY) return Array.from({ length }, () => read(reader));
  const offset = reader.position;
  if (read === readText) for (let i = 0; i < length; i++) reader.bytes(readLength(reader));
  else reader.bytes(length * size);
  return longArray(length, read, [offset, reader.position - offset], source);
}

function longArray(
  length: number,
  read: (reader: BinaryReader) => GgufScalar,
  [offset, bytes]: readonly [number, number],
  source: GgufSource,
): GgufArray {
  return {
    length,
    read: async () => {
      const reader = new BinaryReader(await source.read(offset, bytes));
      try {
        return Array.from({ length }, () => read(reader));
      } catch (error) {
        throw told(error, source);
      }
    },
  };
}

function scalarOf(type: number, key: string): readonly [bytes: number, read: (reader: BinaryReader) => GgufScalar] {
  const scalar = scalars.get(type);
  if (scalar === undefined)
    throw new Problem(type === ARRAY ? `"${key}" is an array of arrays` : `"${key}" has the unknown type ${type}`);
  return scalar;
}

interface TensorInfo {
  readonly name: string;
  /** Row-major. */
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly blockBytes: number;
  readonly byteLength: number;
  /** From the beginning of the data. */
  readonly offset: number;
}

function readTensorInfo(reader: BinaryReader, { file }: GgufSource): TensorInfo {
  const name = readName(reader, "a tensor's name");
  const fail = (problem: string): never => {
    throw new GgufError('ERR_GGUF_TENSOR', { file, tensor: name, problem });
  };
  const rank = reader.uint32();
  if (rank > MAX_DIMENSIONS) return fail(`it has ${rank} dimensions; at most ${MAX_DIMENSIONS} are allowed`);
  const sizes = Array.from({ length: rank }, () => Number(reader.uint64()));
  const id = reader.uint32();
  const offset = Number(reader.uint64());
  const type = ggmlTypes.get(id);
  if (type === undefined) return fail(`its type ${id} is unknown`);
  const { dtype, elements, bytes } = type;
  const count = sizes.reduce((a, b) => a * b, 1);
  if (sizes.some((size) => size === 0) || !Number.isSafeInteger(count * bytes))
    return fail(`its sizes ${sizes.join(' × ')} are none`);
  if ((sizes[0] ?? 1) % elements !== 0)
    return fail(`its rows have ${sizes[0] ?? 1} elements, which ${dtype}'s blocks of ${elements} do not divide`);
  return {
    name,
    shape: sizes.toReversed(),
    dtype,
    blockBytes: bytes,
    byteLength: (count / elements) * bytes,
    offset,
  };
}

function alignmentOf(metadata: GgufHeader['metadata']): number {
  const alignment = metadata['general.alignment'] ?? DEFAULT_ALIGNMENT;
  if (typeof alignment === 'number' && alignment >= 1 && Number.isInteger(Math.log2(alignment))) return alignment;
  throw new Problem(
    `its alignment is ${typeof alignment === 'object' ? 'a list' : alignment}, which is no power of two`,
  );
}

/** Finds out where in the file the tensors are. */
function place(
  infos: readonly TensorInfo[],
  alignment: number,
  headerEnd: number,
  metadata: GgufHeader['metadata'],
  { file, fileSize }: GgufSource,
): ReadonlyMap<string, TensorView> {
  const aligned = (offset: number): number => Math.ceil(offset / alignment) * alignment;
  const dataStart = aligned(headerEnd);
  const tensors = new Map<string, TensorView>();
  let end = 0;
  for (const { name, offset, byteLength, blockBytes, ...info } of infos) {
    const fail = (problem: string): never => {
      throw new GgufError('ERR_GGUF_TENSOR', { file, tensor: name, problem });
    };
    if (tensors.has(name)) return fail('the file has it twice');
    if (offset !== aligned(end)) return fail(`it begins at ${offset}; after the one before it comes ${aligned(end)}`);
    end = offset + byteLength;
    if (dataStart + end > fileSize)
      return fail(`its data end at byte ${dataStart + end} of the file, which has only ${fileSize}`);
    const shape = originalShape(metadata[ORIGINAL_SHAPE + name], info.shape) ?? fail('its original shape is another');
    const block = blockBytes > 8 ? { blockBytes } : {};
    tensors.set(name, { ...info, name, shape, file, offset: dataStart + offset, byteLength, ...block });
  }
  if (fileSize - dataStart - end >= alignment && infos.length > 0)
    throw new Problem(`its last ${fileSize - dataStart - end} bytes belong to no tensor`);
  return tensors;
}

function originalShape(value: GgufValue | undefined, stored: readonly number[]): readonly number[] | undefined {
  if (value === undefined) return stored;
  if (!Array.isArray(value) || !value.every((size) => Number.isSafeInteger(size) && (size as number) > 0))
    return undefined;
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  return product(value as number[]) === product(stored) ? (value as number[]) : undefined;
}
