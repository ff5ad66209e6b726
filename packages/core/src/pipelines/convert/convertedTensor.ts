import { Float8Encoder } from '../../weights/files/Float8Encoder.js';
import { encodeBfloat16 } from '../../weights/files/encodeBfloat16.js';
import { encodeFloat16 } from '../../weights/files/encodeFloat16.js';
import type { PieceBuffers } from '../../weights/files/PieceBuffers.js';
import { readTensorPieces } from '../../weights/files/readTensorPieces.js';
import { isSafetensorsDtype } from '../../weights/files/SafetensorsDtype.js';
import type { TensorToWrite } from '../../weights/files/writeSafetensors.js';
import { readRowPieces, readWeight } from '../../graph/storage/readRowPieces.js';
import type { TensorView } from '../../weights/TensorView.js';

/** Types that weights can be written in; torch's names, shortened. */
export const CONVERT_DTYPES = ['f32', 'f16', 'bf16', 'f8_e4m3', 'f8_e5m2'] as const;

/** One of {@link CONVERT_DTYPES}. */
export type ConvertDtype = (typeof CONVERT_DTYPES)[number];

/** Writes values into bytes that begin their buffer. */
type Encode = (values: Float32Array, bytes: Uint8Array) => void;

const ENCODERS: Readonly<Record<string, { readonly bytes: number; readonly encode: Encode }>> = {
  F32: { bytes: 4, encode: (values, bytes) => new Float32Array(bytes.buffer, 0, values.length).set(values) },
  F16: { bytes: 2, encode: (values, bytes) => encodeFloat16(values, halvesOf(bytes)) },
  BF16: { bytes: 2, encode: (values, bytes) => encodeBfloat16(values, halvesOf(bytes)) },
  F8_E4M3: { bytes: 1, encode: (values, bytes) => Float8Encoder.e4m3fn.encode(values, bytes) },
  F8_E5M2: { bytes: 1, encode: (values, bytes) => Float8Encoder.e5m2.encode(values, bytes) },
};

function halvesOf({ buffer, byteLength }: Uint8Array): Uint16Array {
  return new Uint16Array(buffer, 0, byteLength / 2);
}

const STORED: Readonly<Record<ConvertDtype, string>> = {
  f32: 'F32',
  f16: 'F16',
  bf16: 'BF16',
  f8_e4m3: 'F8_E4M3',
  f8_e5m2: 'F8_E5M2',
};

/** How weights are laid out where they go. */
export interface WrittenLayout {
  readonly shape: readonly number[];
  readonly transposed: boolean;
  readonly dtype: ConvertDtype | undefined;
  /** Where pieces are while they are read and written: the same for all tensors of a file. */
  readonly buffers: PieceBuffers;
}

/**
 * Weights, one after the other on the first axis, as one tensor of a file, read when it is its turn and piece by piece. Without a type they keep theirs; quantised ones become F16. In
 * eight bits only matrices and kernels are written: biases and norms become F16.
 *
 * @throws (when it is read) what reading them throws
 */
export function convertedTensor(
  views: readonly TensorView[],
  { shape, transposed, dtype, buffers }: WrittenLayout,
): TensorToWrite {
  const [first] = views as [TensorView, ...TensorView[]];
  const kept = Object.hasOwn(ENCODERS, first.dtype) && first.scale === undefined ? first.dtype : 'F16';
  const asked = dtype === undefined ? kept : STORED[dtype];
  const written = asked.startsWith('F8') && first.dtype !== asked && shape.length < 2 ? 'F16' : asked;
  const asStored = (view: TensorView): boolean =>
    view.dtype === written &&
    view.transposed === undefined &&
    view.scale === undefined &&
    isSafetensorsDtype(view.dtype);
  const { bytes, encode } = ENCODERS[written] as (typeof ENCODERS)[string];
  const encoded = (values: Float32Array): Uint8Array => {
    const codes = buffers.codes(values.length * bytes);
    encode(values, codes);
    return codes;
  };
  if (transposed) return { dtype: written, shape, data: async () => encoded(await turned(first)) };
  return {
    dtype: written,
    shape,
    async *data() {
      for (const view of views)
        if (asStored(view)) yield* readTensorPieces(view, undefined, buffers);
        else for await (const values of readRowPieces(view, buffers)) yield encoded(values);
    },
  };
}

/** The transpose of a matrix, read whole: the projections that lie so have a few megabytes. */
async function turned(view: TensorView): Promise<Float32Array> {
  const values = await readWeight(view);
  const [rows = 0, columns = 0] = view.shape;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = values[row * columns + column] as number;
  return result;
}
