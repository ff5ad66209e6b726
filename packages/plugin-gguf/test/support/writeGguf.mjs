// GGUF as tests need it, and examples that are run against packed packages.

/** The bytes of a GGUF file, right or wrong. */
export function writeGguf({ version = 3, metadata = [], tensors = [], alignment = 32 }) {
  const parts = [];
  const padded = (length) => Math.ceil(length / alignment) * alignment;
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

export function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}
