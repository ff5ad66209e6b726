import {
  bytesPerElement,
  type DerivedWeightsRecipe,
  Float8Encoder,
  isSafetensorsDtype,
  readRowPieces,
  readTensorPieces,
  storageFormatOf,
  type TensorToWrite,
  type TensorView,
} from '@thimble/core/plugin';
import { quantizedRows, scalesOf } from './int8Rows.js';
import type { StorageDtype } from './LayerwiseCastingOptions.js';

const FLOAT8 = {
  float8_e4m3fn: { dtype: 'F8_E4M3', encoder: Float8Encoder.e4m3fn },
  float8_e5m2: { dtype: 'F8_E5M2', encoder: Float8Encoder.e5m2 },
} as const;

/** Whether a tensor can be stored in less. One of eight bits or fewer, or in blocks, is used as it lies; int8 needs rows, so biases stay. */
export function canCast(view: TensorView, storageDtype: StorageDtype): boolean {
  return !isSmall(view) && (storageDtype !== 'int8' || view.shape.length > 1);
}

/** Whether a tensor lies in eight bits or fewer already, or in blocks with scales of their own, which another rounding would only make worse. */
export function isSmall({ dtype }: TensorView): boolean {
  const { elements, bytes } = storageFormatOf(dtype)?.block ?? { elements: 1, bytes: 0 };
  return elements > 1 || bytes <= 1;
}

/** Name of the scales that belong to a weight of int8. */
export function scaleName(key: string): string {
  return `${key}_scale`;
}

/** How weights, by state-dict key, are stored in less. */
export function castingRecipe(
  weights: ReadonlyMap<string, TensorView>,
  storageDtype: StorageDtype,
): DerivedWeightsRecipe {
  const entries = [...weights];
  const renamed = entries.filter(([key, info]) => key !== info.name).map(([key, info]) => `${info.name}=${key}`);
  return {
    name: ['layerwise-casting/1', storageDtype, ...renamed].join(' '),
    sources: weights.values(),
    tensors: () =>
      new Map(
        entries.flatMap(([key, info]) =>
          storageDtype === 'int8' ? int8Tensors(key, info) : [[key, float8Tensor(info, storageDtype)] as const],
        ),
      ),
  };
}

function float8Tensor(view: TensorView, storageDtype: keyof typeof FLOAT8): TensorToWrite {
  const { dtype, encoder } = FLOAT8[storageDtype];
  return { dtype, shape: view.shape, data: () => encoded(view, encoder) };
}

/** What is stored as safetensors does is encoded as it lies, which is faster; anything else as float32. */
async function* encoded(view: TensorView, encoder: Float8Encoder): AsyncGenerator<Uint8Array, void> {
  const { dtype, transposed } = view;
  if (transposed !== undefined || !isSafetensorsDtype(dtype)) {
    for await (const rows of readRowPieces(view)) yield encoder.encode(rows);
    return;
  }
  // One buffer for all: a new one for each would be garbage faster than it is collected.
  let codes: Uint8Array | undefined;
  for await (const piece of readTensorPieces(view)) {
    const elements = piece.byteLength / bytesPerElement(dtype);
    codes ??= new Uint8Array(elements);
    yield encoder.encodeStored(piece, dtype, codes.subarray(0, elements));
  }
}

/** The codes and their scales; the scales are found once, whichever is written first. */
function int8Tensors(key: string, info: TensorView): readonly (readonly [string, TensorToWrite])[] {
  let found: Promise<Float32Array> | undefined;
  const scales = async (): Promise<Float32Array> => (found ??= scalesOf(info));
  return [
    [
      scaleName(key),
      { dtype: 'F32', shape: [info.shape[0] ?? 1], data: async () => new Uint8Array((await scales()).buffer) },
    ],
    [
      key,
      {
        dtype: 'I8',
        shape: info.shape,
        async *data() {
          yield* quantizedRows(info, await scales());
        },
      },
    ],
  ];
}
