import {
  type DerivedWeightsRecipe,
  PieceBuffers,
  readWeight,
  type TensorToWrite,
  type TensorView,
} from '@thimble/core/plugin';
import type { CodeLimits } from './CodeLimits.js';
import { columnScales, quantizeColumns } from './quantizeColumns.js';

/** Bytes that are handed on at once, so that progress is told and an abort noticed. */
const PIECE_BYTES = 2 ** 20;

/** Name of the scales that belong to a matrix. */
export function scaleName(name: string): string {
  return `${name}_scale`;
}

/** Name of a weight of one axis as float32. */
export function vectorName(key: string): string {
  return `${key}_float32`;
}

/**
 * How matrices of int8, by name, are made from the weights or rows of weights that they stand for; `limits` is what their codes may be. Beside them lie `vectors`,
 * by state-dict key, as float32.
 */
export function int8Recipe(
  sources: ReadonlyMap<string, TensorView>,
  vectors: ReadonlyMap<string, TensorView>,
  limits: CodeLimits,
): DerivedWeightsRecipe {
  const entries = [...sources];
  const named = [...entries, ...vectors].map(([name, info]) => `${name}=${info.shape.join('x')}@${info.offset}`);
  return {
    name: ['int8-columns/1', limits.code, ...(limits.pair === Infinity ? [] : [`pair=${limits.pair}`]), ...named].join(
      ' ',
    ),
    sources: [...sources.values(), ...vectors.values()],
    tensors: () => {
      const buffers = new PieceBuffers();
      return new Map([
        ...[...vectors].map(([key, info]) => [vectorName(key), vectorOf(info)] as const),
        ...entries.flatMap(([name, info]) => tensorsOf(name, info, { limits, buffers })),
      ]);
    },
  };
}

function vectorOf(info: TensorView): TensorToWrite {
  return { dtype: 'F32', shape: info.shape, data: async () => new Uint8Array((await readWeight(info)).buffer) };
}

/**
 * The codes and their scales. All scales are written before the first codes, as a file has its widest types first: scales are found alone and kept, and codes are made when it is their turn, one weight's at a time.
 */
function tensorsOf(
  name: string,
  info: TensorView,
  { limits, buffers }: { readonly limits: CodeLimits; readonly buffers: PieceBuffers },
): readonly (readonly [string, TensorToWrite])[] {
  let found: Promise<Float64Array> | undefined;
  const scales = async (): Promise<Float64Array> => (found ??= columnScales(info, limits, buffers));
  const [outputs = 1] = info.shape;
  const elements = info.shape.reduce((a, b) => a * b, 1);
  return [
    [
      scaleName(name),
      { dtype: 'F32', shape: [outputs], data: async () => new Uint8Array(new Float32Array(await scales()).buffer) },
    ],
    [
      name,
      {
        dtype: 'I8',
        shape: [elements / outputs, outputs],
        async *data() {
          const codes = await quantizeColumns(info, await scales(), buffers);
          for (let start = 0; start < codes.length; start += PIECE_BYTES)
            yield codes.subarray(start, start + PIECE_BYTES);
        },
      },
    ],
  ];
}
