import { type Emitter, type GraphWeight, rowLength, sliceRows, type TensorView } from '@thimble/core/plugin';
import type { MatrixOperations } from './deltaRows.js';

/** A matrix that a graph computes. Of a core the columns are its last two axes. */
export interface GraphMatrix {
  readonly value: string;
  readonly rows: number;
  readonly columns: number;
}

/** Computes with matrices in a graph: adds nodes to an emitter, and weights that are bound to where they lie. */
export class GraphMatrices implements MatrixOperations<GraphMatrix> {
  readonly #emit: Emitter;
  readonly #owner: string;
  readonly #weights: Map<string, GraphWeight>;

  /** `owner`: the LoRA, whose name is part of the weights'. Those that are needed are put among `weights`. */
  constructor(emit: Emitter, owner: string, weights: Map<string, GraphWeight>) {
    this.#emit = emit;
    this.#owner = `lora/${owner}`;
    this.#weights = weights;
  }

  rows(view: TensorView, start: number, count: number): GraphMatrix {
    return { value: this.weight(view, start, count), rows: count, columns: rowLength(view) };
  }

  /** The name of a weight of the graph: rows of a stored tensor, seen with the shape [count, …dims]. */
  weight(view: TensorView, start: number, count: number, dims: readonly number[] = view.shape.slice(1)): string {
    const key = `${this.#owner}/${view.name}`;
    const name = `${key}[${start}:${start + count}]:${dims.join('x')}`;
    const whole = start === 0 && count === view.shape[0];
    this.#weights.set(name, {
      name,
      key,
      shape: view.shape,
      dims: [count, ...dims],
      rows: [start, count],
      type: 'float32',
      source: whole ? view : sliceRows(view, start, count),
    });
    return name;
  }

  product(left: GraphMatrix, right: GraphMatrix): GraphMatrix {
    return { value: this.#emit.one('MatMul', [left.value, right.value]), rows: left.rows, columns: right.columns };
  }

  hadamard(left: GraphMatrix, right: GraphMatrix): GraphMatrix {
    return { ...left, value: this.#emit.one('Mul', [left.value, right.value]) };
  }

  kronecker(left: GraphMatrix, right: GraphMatrix): GraphMatrix {
    const [rows, columns] = [left.rows * right.rows, left.columns * right.columns];
    const apart = this.#emit.one('Mul', [
      this.reshape(left.value, [left.rows, 1, left.columns, 1]),
      this.reshape(right.value, [1, right.rows, 1, right.columns]),
    ]);
    return { value: this.reshape(apart, [rows, columns]), rows, columns };
  }

  contract(core: GraphMatrix, down: GraphMatrix): GraphMatrix {
    const swap = (value: string): string => this.#emit.one('Transpose', [value], { perm: { ints: [0, 2, 1] } });
    const summed = this.#emit.one('MatMul', [swap(core.value), down.value]);
    const columns = (core.columns / down.rows) * down.columns;
    return { value: this.reshape(swap(summed), [core.rows, columns]), rows: core.rows, columns };
  }

  slice(matrix: GraphMatrix, start: number, count: number): GraphMatrix {
    if (start === 0 && count === matrix.rows) return matrix;
    const [from, to, axis] = [start, start + count, 0].map((at) => this.#emit.constant('int64', [1], [at]));
    const value = this.#emit.one('Slice', [matrix.value, from as string, to as string, axis as string]);
    return { ...matrix, value, rows: count };
  }

  reshape(value: string, dims: readonly number[]): string {
    return this.#emit.one('Reshape', [value, this.#emit.constant('int64', [dims.length], dims)]);
  }
}
