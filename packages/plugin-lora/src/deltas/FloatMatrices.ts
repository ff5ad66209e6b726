import { readWeight, type TensorView } from '@thimble/core/plugin';
import type { MatrixOperations } from './deltaRows.js';

/** A matrix in memory, row by row. Of a core the columns are its last two axes. */
export interface FloatMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** Computes with matrices in this process; of tensors that were read before. */
export class FloatMatrices implements MatrixOperations<FloatMatrix> {
  readonly #tensors: ReadonlyMap<TensorView, Float32Array>;

  private constructor(tensors: ReadonlyMap<TensorView, Float32Array>) {
    this.#tensors = tensors;
  }

  /** Reads tensors as float32. @throws what `readWeight` throws */
  static async of(views: readonly TensorView[]): Promise<FloatMatrices> {
    const tensors = new Map<TensorView, Float32Array>();
    for (const view of views) tensors.set(view, await readWeight(view));
    return new FloatMatrices(tensors);
  }

  /** All elements of a tensor that was read. */
  all(view: TensorView): Float32Array {
    return this.#tensors.get(view) as Float32Array;
  }

  rows(view: TensorView, start: number, count: number): FloatMatrix {
    const data = this.all(view);
    const columns = data.length / (view.shape[0] as number);
    return { rows: count, columns, data: data.subarray(start * columns, (start + count) * columns) };
  }

  product(left: FloatMatrix, right: FloatMatrix): FloatMatrix {
    const { rows, columns: inner } = left;
    const { columns } = right;
    const data = new Float32Array(rows * columns);
    // Sums in float64 need no conversions on the way, which would take twice the time.
    const [values, sums] = [Float64Array.from(right.data), new Float64Array(columns)];
    for (let row = 0; row < rows; row++) {
      sums.fill(0);
      const factors = left.data.subarray(row * inner, (row + 1) * inner);
      const fours = inner - (inner % 4);
      for (let i = 0; i < fours; i += 4) addFourScaled(sums, values, i * columns, factors.subarray(i, i + 4));
      for (let i = fours; i < inner; i++) addScaled(sums, values, i * columns, factors[i] as number);
      data.set(sums, row * columns);
    }
    return { rows, columns, data };
  }

  hadamard(left: FloatMatrix, right: FloatMatrix): FloatMatrix {
    return { ...left, data: left.data.map((value, i) => value * (right.data[i] as number)) };
  }

  kronecker(left: FloatMatrix, right: FloatMatrix): FloatMatrix {
    const [rows, columns] = [left.rows * right.rows, left.columns * right.columns];
    const data = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const [above, within] = [Math.floor(row / right.rows), row % right.rows];
      for (let i = 0; i < left.columns; i++) {
        const start = row * columns + i * right.columns;
        const part = data.subarray(start, start + right.columns);
        addScaled(part, right.data, within * right.columns, left.data[above * left.columns + i] as number);
      }
    }
    return { rows, columns, data };
  }

  contract(core: FloatMatrix, down: FloatMatrix): FloatMatrix {
    const taps = core.columns / down.rows;
    const columns = down.columns * taps;
    const data = new Float32Array(core.rows * columns);
    for (let r = 0; r < core.rows; r++)
      for (let s = 0; s < down.rows; s++)
        for (let i = 0; i < down.columns; i++)
          addScaled(
            data.subarray(r * columns + i * taps, r * columns + (i + 1) * taps),
            core.data,
            (r * down.rows + s) * taps,
            down.data[s * down.columns + i] as number,
          );
    return { rows: core.rows, columns, data };
  }

  slice({ columns, data }: FloatMatrix, start: number, count: number): FloatMatrix {
    return { rows: count, columns, data: data.subarray(start * columns, (start + count) * columns) };
  }
}

type Floats = Float32Array | Float64Array;

/** sums += factor · values, from an index of the values on. */
function addScaled(sums: Floats, values: Floats, from: number, factor: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + factor * (values[from + i] as number);
}

/** The same for four rows of values at once. */
function addFourScaled(sums: Float64Array, values: Float64Array, from: number, factors: Float32Array): void {
  const { length } = sums;
  const [a, b, c, d] = factors as unknown as [number, number, number, number];
  const [second, third, fourth] = [from + length, from + 2 * length, from + 3 * length];
  for (let i = 0; i < length; i++)
    sums[i] =
      (sums[i] as number) +
      a * (values[from + i] as number) +
      b * (values[second + i] as number) +
      c * (values[third + i] as number) +
      d * (values[fourth + i] as number);
}
