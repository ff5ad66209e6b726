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
    for (let row = 0; row < rows; row++) {
      const sums = data.subarray(row * columns, (row + 1) * columns);
      for (let i = 0; i < inner; i++) addScaled(sums, right.data, i * columns, left.data[row * inner + i] as number);
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

/** sums += factor · values, from an index of the values on. */
function addScaled(sums: Float32Array, values: Float32Array, from: number, factor: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + factor * (values[from + i] as number);
}
