import { type DerivedWeightsRecipe, readTensorPieces, type TensorToWrite, type TensorView } from '@thimble/core/plugin';
import { blockBytesOf } from '../formats/blockFormat.js';
import { GROUP, type NBitsFormat, nBitsFormats } from './nBitsFormats.js';

/** Name of the scales that belong to a matrix's codes: float32 [out, groups]. */
export function scaleName(key: string): string {
  return `${key}_scale`;
}

/** Name of the zero points that belong to a matrix's codes, where it has some: float32 [out, groups]. */
export function zeroPointName(key: string): string {
  return `${key}_zero_point`;
}

/** The format by which a matrix can be laid out for the operator; `undefined` where it cannot. */
export function nBitsFormatOf({ dtype, shape, transposed }: TensorView): NBitsFormat | undefined {
  const isMatrix = shape.length >= 2 && shape.slice(2).every((size) => size === 1) && transposed === undefined;
  return isMatrix && (shape[1] as number) % GROUP === 0 ? nBitsFormats.get(dtype) : undefined;
}

/**
 * How matrices in blocks, by state-dict key, are laid out anew for `MatMulNBits`: codes uint8 [out, groups, bytes], beside them scales and zero points.
 *
 * @throws (when it is read) what `readTensorPieces` throws
 */
export function nBitsRecipe(sources: ReadonlyMap<string, TensorView>): DerivedWeightsRecipe {
  const entries = [...sources];
  const named = entries.map(([key, { dtype, shape, offset }]) => `${key}=${dtype}${shape.join('x')}@${offset}`);
  return {
    name: ['gguf-nbits/1', ...named].join(' '),
    sources: sources.values(),
    tensors: () => new Map(entries.flatMap(([key, view]) => tensorsOf(key, view))),
  };
}

function tensorsOf(key: string, view: TensorView): readonly (readonly [string, TensorToWrite])[] {
  const format = nBitsFormatOf(view) as NBitsFormat;
  const [rows = 1, width = 1] = view.shape;
  const groups = width / GROUP;
  const shape = [rows, groups];
  const scales: TensorToWrite = { dtype: 'F32', shape, data: () => scalesOf(view, format, 'scale') };
  const zeroPoints: TensorToWrite = { dtype: 'F32', shape, data: () => scalesOf(view, format, 'zeroPoint') };
  const codes: TensorToWrite = {
    dtype: 'U8',
    shape: [...shape, groupBytes(format)],
    data: () => codesOf(view, format),
  };
  return [
    [key, codes],
    [scaleName(key), scales],
    ...(hasZeroPoints(format) ? [[zeroPointName(key), zeroPoints] as const] : []),
  ];
}

function groupBytes({ bits }: NBitsFormat): number {
  return (GROUP * bits) / 8;
}

/** In the formats that are exact, zero is the middle of the codes. */
function hasZeroPoints({ exact }: NBitsFormat): boolean {
  return !exact;
}

async function* codesOf(view: TensorView, format: NBitsFormat): AsyncGenerator<Uint8Array> {
  const blockBytes = view.blockBytes as number;
  const packedBytes = format.groups * groupBytes(format);
  let packed: Uint8Array | undefined;
  for await (const piece of readTensorPieces(view, blockBytes)) {
    packed ??= new Uint8Array((piece.length / blockBytes) * packedBytes);
    let put = 0;
    for (let at = 0; at < piece.length; at += blockBytes, put += packedBytes) format.pack(piece, at, packed, put);
    yield packed.subarray(0, put);
  }
}

async function* scalesOf(
  view: TensorView,
  { groups, groupScale }: NBitsFormat,
  which: 'scale' | 'zeroPoint',
): AsyncGenerator<Uint8Array> {
  const blockBytes = view.blockBytes as number;
  for await (const piece of readTensorPieces(view, blockBytes)) {
    const values = new Float32Array((piece.length / blockBytes) * groups);
    let done = 0;
    for (const block of blockBytesOf(piece, blockBytes))
      for (let group = 0; group < groups; group++) values[done++] = groupScale(block, group)[which] as number;
    yield new Uint8Array(values.buffer);
  }
}
