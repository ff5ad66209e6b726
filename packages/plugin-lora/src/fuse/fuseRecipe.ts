import {
  type DerivedWeightsRecipe,
  encodeFloat16,
  readRowPieces,
  rowLength,
  type TensorView,
} from '@thimble/core/plugin';
import { tensorsOf } from '../deltas/Delta.js';
import { deltaRows } from '../deltas/deltaRows.js';
import { FloatMatrices } from '../deltas/FloatMatrices.js';
import type { LayerChange } from '../layers/LayerChange.js';

/** A weight, and what is merged into it. */
export interface Fusion {
  readonly base: TensorView;
  /** Each with the scale that it has. */
  readonly changes: readonly (readonly [LayerChange, scale: number])[];
}

/** How weights, by state-dict key, become those with LoRAs merged in: float32 where they are, else float16. */
export function fuseRecipe(fusions: ReadonlyMap<string, Fusion>): DerivedWeightsRecipe {
  const entries = [...fusions];
  return {
    name: ['lora-fuse/1', ...entries.map(([key, fusion]) => describe(key, fusion))].join(' '),
    sources: entries.flatMap(([, { base, changes }]) => [base, ...changes.flatMap(([change]) => sourcesOf(change))]),
    tensors: () =>
      new Map(
        entries.map(([key, fusion]) => [
          key,
          { dtype: fusedType(fusion.base), shape: fusion.base.shape, data: () => fusedRows(fusion) },
        ]),
      ),
  };
}

/** By what a merge is told from others of the same tensors. */
function describe(key: string, { changes }: Fusion): string {
  const made = changes.map(
    ([{ delta, factor, start, magnitude }, scale]) =>
      `${JSON.stringify(delta, (_, value: unknown) => (isView(value) ? value.name : value))}*${scale * factor}@${start}${magnitude === undefined ? '' : 'm'}`,
  );
  return `${key}=${made.join('+')}`;
}

function isView(value: unknown): value is TensorView {
  return typeof value === 'object' && value !== null && 'byteLength' in value;
}

function sourcesOf({ delta, magnitude }: LayerChange): readonly TensorView[] {
  return [...tensorsOf(delta), ...(magnitude === undefined ? [] : [magnitude])];
}

function fusedType({ dtype }: TensorView): 'F32' | 'F16' {
  return dtype === 'F32' ? 'F32' : 'F16';
}

async function* fusedRows({ base, changes }: Fusion): AsyncGenerator<Uint8Array, void> {
  const matrices = await FloatMatrices.of(changes.flatMap(([change]) => sourcesOf(change)));
  const width = rowLength(base);
  let row = 0;
  for await (const piece of readRowPieces(base)) {
    const count = piece.length / width;
    const fused = piece.slice();
    for (const [change, scale] of changes) addChange(fused, piece, { change, scale, row, count }, matrices);
    row += count;
    const coded = fusedType(base) === 'F32' ? fused : encodeFloat16(fused);
    yield new Uint8Array(coded.buffer, coded.byteOffset, coded.byteLength);
  }
}

/** Some rows of a weight, and what changes them. */
interface RowsToChange {
  readonly change: LayerChange;
  readonly scale: number;
  readonly row: number;
  readonly count: number;
}

function addChange(
  fused: Float32Array,
  base: Float32Array,
  { change, scale, row, count }: RowsToChange,
  matrices: FloatMatrices,
): void {
  const { data } = deltaRows(change.delta, matrices, change.start + row, count);
  const by = scale * change.factor;
  if (change.magnitude === undefined) {
    for (let i = 0; i < fused.length; i++) fused[i] = (fused[i] as number) + by * (data[i] as number);
    return;
  }
  const lengths = matrices.all(change.magnitude);
  const width = data.length / count;
  for (let at = 0; at < count; at++) {
    let squares = 0;
    for (let i = at * width; i < (at + 1) * width; i++)
      squares += ((base[i] as number) + by * (data[i] as number)) ** 2;
    const gain = (lengths[change.start + row + at] as number) / Math.sqrt(squares);
    for (let i = at * width; i < (at + 1) * width; i++)
      fused[i] = (fused[i] as number) + gain * ((base[i] as number) + by * (data[i] as number)) - (base[i] as number);
  }
}
