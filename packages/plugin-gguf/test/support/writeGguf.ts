/** A tensor for {@link writeGguf}. */
export interface GgufTensor {
  readonly name: string;
  /** Fastest first, as the file has them. */
  readonly sizes: readonly number[];
  /** Number of its type. */
  readonly type: number;
  readonly data: Uint8Array;
  /** Where the header says that it begins; by default where it does. */
  readonly offset?: number;
}

/** What {@link writeGguf} puts into a file. */
export interface GgufContents {
  readonly version?: number;
  /** By key: the number of the type, and the bytes of the value. */
  readonly metadata?: ReadonlyArray<readonly [key: string, type: number, value: Uint8Array]>;
  readonly tensors?: readonly GgufTensor[];
  readonly alignment?: number;
}

/** The bytes of a GGUF file, right or wrong. */
export function writeGguf({ version = 3, metadata = [], tensors = [], alignment = 32 }: GgufContents): Uint8Array {
  const parts: Uint8Array[] = [];
  const padded = (length: number): number => Math.ceil(length / alignment) * alignment;
  parts.push(Buffer.from('GGUF'), u32(version), u64(tensors.length), u64(metadata.length));
  for (const [key, type, value] of metadata) parts.push(text(key), u32(type), value);
  let offset = 0;
  for (const { name, sizes, type, data, offset: said } of tensors) {
    parts.push(text(name), u32(sizes.length), ...sizes.map(u64), u32(type), u64(said ?? offset));
    offset = padded(offset + data.length);
  }
  const header = Buffer.concat(parts);
  const data = tensors.map((tensor, i) =>
    i === tensors.length - 1
      ? tensor.data
      : Buffer.concat([tensor.data, Buffer.alloc(padded(tensor.data.length) - tensor.data.length)]),
  );
  return Buffer.concat([header, Buffer.alloc(padded(header.length) - header.length), ...data]);
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function text(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}
