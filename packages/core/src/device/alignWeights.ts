import { open, readFile, rename, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { OPTIMIZED_GRAPH, OPTIMIZED_WEIGHTS } from './OptimizationTarget.js';

/** The runtime's kernels read prepacked weights as whole cache lines, and crash where they do not begin on one. */
const ALIGNMENT = 64;

/** Fields of ONNX's messages on the way to where a weight lies: ModelProto.graph, GraphProto.initializer, TensorProto.external_data. */
const EXTERNAL_DATA = [7, 5, 13] as const;

const KEY = 1;
const VALUE = 2;
const LENGTH_DELIMITED = 2;
const COPIED_AT_ONCE = 2 ** 22;

/**
 * Moves the weights of an optimised graph to offsets that its kernels can read. The runtime writes them one after the other, so that whether they lie well depends
 * on the sizes of those before. Does nothing where all do.
 */
export async function alignWeights(folder: string): Promise<void> {
  const graph = await readFile(join(folder, OPTIMIZED_GRAPH));
  const chunks = new Map<number, number>();
  rewriteExternalData(graph, (offset, length) => {
    chunks.set(offset, length);
    return offset;
  });
  if ([...chunks.keys()].every((offset) => offset % ALIGNMENT === 0)) return;
  const moved = new Map<number, number>();
  let end = 0;
  for (const [offset, length] of [...chunks].toSorted(([a], [b]) => a - b)) {
    moved.set(offset, end);
    end = Math.ceil((end + length) / ALIGNMENT) * ALIGNMENT;
  }
  await moveChunks(join(folder, OPTIMIZED_WEIGHTS), chunks, moved);
  await writeFile(
    join(folder, OPTIMIZED_GRAPH),
    rewriteExternalData(graph, (offset) => moved.get(offset) as number),
  );
}

async function moveChunks(
  path: string,
  chunks: ReadonlyMap<number, number>,
  moved: ReadonlyMap<number, number>,
): Promise<void> {
  const [from, to] = [await open(path), await open(`${path}.aligned`, 'w')];
  try {
    for (const [offset, length] of chunks) await copy(from, offset, to, moved.get(offset) as number, length);
  } finally {
    await from.close();
    await to.close();
  }
  await rename(`${path}.aligned`, path);
}

async function copy(from: FileHandle, source: number, to: FileHandle, target: number, length: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(length, COPIED_AT_ONCE));
  for (let done = 0; done < length; done += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, length - done));
    await from.read(part, 0, part.length, source + done);
    await to.write(part, 0, part.length, target + done);
  }
}

type Place = (offset: number, length: number) => number;

function rewriteExternalData(model: Buffer, place: Place): Buffer {
  const [graph, initializer, externalData] = EXTERNAL_DATA;
  return rewriteFields(model, graph, (nodes) =>
    rewriteFields(nodes, initializer, (tensor) => {
      const entries = readEntries(tensor, externalData);
      if (entries.get('location') !== OPTIMIZED_WEIGHTS) return tensor;
      const length = Number(entries.get('length') ?? 0);
      return rewriteFields(tensor, externalData, (entry) => rewriteEntry(entry, length, place));
    }),
  );
}

/** `offset` is a number; `prepacked_0` is a name and then, for each packed buffer, its offset, length and checksum: `Gemm+123|4096;1024;0`. */
function rewriteEntry(entry: Buffer, length: number, place: Place): Buffer {
  const key = fieldText(entry, KEY);
  if (key === 'offset')
    return rewriteFields(entry, VALUE, (value) => Buffer.from(String(place(Number(value.toString()), length))));
  if (!key.startsWith('prepacked_')) return entry;
  return rewriteFields(entry, VALUE, (value) => {
    const [name, ...buffers] = value.toString().split('|');
    const rewritten = buffers.map((buffer) => {
      const [offset = '', size = '', ...rest] = buffer.split(';');
      return [place(Number(offset), Number(size)), size, ...rest].join(';');
    });
    return Buffer.from([name, ...rewritten].join('|'));
  });
}

function readEntries(tensor: Buffer, field: number): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  rewriteFields(tensor, field, (entry) => {
    entries.set(fieldText(entry, KEY), fieldText(entry, VALUE));
    return entry;
  });
  return entries;
}

function fieldText(message: Buffer, field: number): string {
  let text = '';
  rewriteFields(message, field, (value) => {
    text = value.toString();
    return value;
  });
  return text;
}

/** A protocol buffers message with the contents of one length-delimited field changed, wherever it occurs. */
function rewriteFields(message: Buffer, field: number, change: (contents: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < message.length) {
    const start = at;
    const [tag, afterTag] = readVarint(message, at);
    const [value, afterValue] =
      (tag & 7) === 5 ? [0, afterTag + 4] : (tag & 7) === 1 ? [0, afterTag + 8] : readVarint(message, afterTag);
    at = (tag & 7) === LENGTH_DELIMITED ? afterValue + value : afterValue;
    if ((tag & 7) !== LENGTH_DELIMITED || tag >>> 3 !== field) parts.push(message.subarray(start, at));
    else {
      const contents = change(message.subarray(afterValue, at));
      parts.push(message.subarray(start, afterTag), writeVarint(contents.length), contents);
    }
  }
  return Buffer.concat(parts);
}

/** The number, and where it ends. Exact up to 2^53: larger ones are skipped over. */
function readVarint(buffer: Buffer, start: number): readonly [value: number, end: number] {
  let value = 0;
  let factor = 1;
  for (let at = start; ; at++) {
    const byte = buffer[at] as number;
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at + 1];
    factor *= 128;
  }
}

function writeVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
