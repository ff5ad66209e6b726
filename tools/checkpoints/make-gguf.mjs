// A safetensors file as GGUF: matrices in blocks of four or eight bits, all else in float16. For benchmarks: real files come from llama.cpp's and stable-diffusion.cpp's tools.
import { closeSync, openSync, writeSync } from 'node:fs';
import { encodeFloat16, readRowPieces, SafetensorsFile } from '../../packages/core/dist/plugin.js';

const ALIGNMENT = 32;
const BLOCK = 32;
const TYPES = {
  F16: { id: 1, elements: 1, bytes: 2, encode: (values) => new Uint8Array(encodeFloat16(values).buffer) },
  Q8_0: { id: 8, elements: BLOCK, bytes: 34, encode: (values) => encodeBlocks(values, 34, 127, putBytes) },
  Q4_0: { id: 2, elements: BLOCK, bytes: 18, encode: (values) => encodeBlocks(values, 18, 7, putNibbles) },
};

/** Writes the tensors of `source` to `out` with matrices as `type`: 'Q8_0' or 'Q4_0'. */
export async function makeGguf(source, out, type) {
  const { tensors } = await SafetensorsFile.open(source);
  const entries = [...tensors.values()].map((view) => {
    const { shape } = view;
    const chosen = shape.length === 2 && shape[1] % BLOCK === 0 ? TYPES[type] : TYPES.F16;
    const elements = shape.reduce((a, b) => a * b, 1);
    return { view, chosen, byteLength: (elements / chosen.elements) * chosen.bytes };
  });
  const file = openSync(out, 'w');
  try {
    write(file, header(entries));
    for (const { view, chosen, byteLength } of entries) {
      for await (const rows of readRowPieces(view)) write(file, chosen.encode(rows));
      write(file, new Uint8Array(padding(byteLength)));
    }
  } finally {
    closeSync(file);
  }
}

function header(entries) {
  const parts = [Buffer.from('GGUF'), u32(3), u64(entries.length), u64(0)];
  let offset = 0;
  for (const { view, chosen, byteLength } of entries) {
    const name = Buffer.from(view.name);
    parts.push(u64(name.length), name, u32(view.shape.length), ...view.shape.toReversed().map(u64));
    parts.push(u32(chosen.id), u64(offset));
    offset += byteLength + padding(byteLength);
  }
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes, Buffer.alloc(padding(bytes.length))]);
}

function padding(length) {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

/** Blocks of a float16 scale and a code for each element. */
function encodeBlocks(values, blockBytes, largest, put) {
  const out = new Uint8Array((values.length / BLOCK) * blockBytes);
  const codes = new Int8Array(BLOCK);
  for (let at = 0, to = 0; at < values.length; at += BLOCK, to += blockBytes) {
    let most = 0;
    for (let i = at; i < at + BLOCK; i++) most = Math.max(most, Math.abs(values[i]));
    const scale = most / largest || 1;
    out.set(new Uint8Array(encodeFloat16(Float32Array.of(scale)).buffer), to);
    for (let i = 0; i < BLOCK; i++) codes[i] = Math.round(values[at + i] / scale);
    put(codes, out, to + 2);
  }
  return out;
}

function putBytes(codes, out, at) {
  for (let i = 0; i < BLOCK; i++) out[at + i] = codes[i];
}

function putNibbles(codes, out, at) {
  for (let i = 0; i < 16; i++) out[at + i] = (codes[i] + 8) | ((codes[i + 16] + 8) << 4);
}

function write(file, bytes) {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}

function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
