import { readTensorPieces } from '../../weights/files/readTensorPieces.js';
import { rowLength, type TensorView } from '../../weights/TensorView.js';
import type { GraphWeight } from '../Graph.js';
import { gatherRows, TO_FLOAT32 } from './elementwise.js';
import { float32 } from './float32.js';
import type { StorageEmitter } from './StorageEmitter.js';
import type { BoundWeight, StorageFormat } from './StorageFormat.js';

/** int8 with a float32 for each row, by which the row's elements are multiplied; the scales lie apart (`TensorView.scale`). */
export const int8Rows: StorageFormat = {
  dtype: 'I8_ROWS',
  block: { elements: 1, bytes: 1 },
  widenedBytes: 4,
  widen: (weight, output, emit) =>
    emit.last('DequantizeLinear', [emit.bytes(weight, 'int8'), scalesOf(weight, [], emit)], output, {
      axis: { int: 0 },
    }),
  widenRows(weight, site, output, emit) {
    const rows = emit.one('Cast', [gatherRows(weight, 'int8', site, emit)], TO_FLOAT32);
    emit.last('Mul', [rows, emit.one('Gather', [scalesOf(weight, [1], emit), site.ids])], output);
  },
  async *read(view) {
    const scales = await readScales(view);
    const width = rowLength(view);
    let row = 0;
    let buffer: Float32Array | undefined;
    for await (const piece of readTensorPieces(view, width)) {
      const codes = new Int8Array(piece.buffer, 0, piece.byteLength);
      buffer ??= new Float32Array(codes.length);
      for (let start = 0; start < codes.length; start += width, row++) {
        const scale = scales[row] as number;
        for (let i = start; i < start + width; i++) buffer[i] = (codes[i] as number) * scale;
      }
      yield buffer.subarray(0, codes.length);
    }
  },
};

/** The scales of a weight's rows as a weight of its own, with the shape [rows, …`more`]. */
function scalesOf({ name, source, ...weight }: BoundWeight, more: readonly number[], emit: StorageEmitter): string {
  const scale = scaleOf(source);
  const dims = [weight.rows[1], ...more];
  const scales: GraphWeight = {
    ...weight,
    name: `${name}/scale${more.length > 0 ? '/rows' : ''}`,
    shape: dims,
    rows: [0, weight.rows[1]],
    source: scale,
  };
  return emit.bytes(scales, 'float32', dims);
}

async function readScales(view: TensorView): Promise<Float32Array> {
  const scales = new Float32Array(view.shape[0] ?? 1);
  let done = 0;
  for await (const piece of float32.read(scaleOf(view))) {
    scales.set(piece, done);
    done += piece.length;
  }
  return scales;
}

function scaleOf({ name, scale }: TensorView): TensorView {
  if (scale === undefined) throw new TypeError(`"${name}" is stored in int8 and has no scale`);
  return scale;
}
