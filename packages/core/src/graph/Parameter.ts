import { GraphBuilder } from './GraphBuilder.js';
import type { Value } from './Value.js';

/** A weight of a {@link Module}: its shape in the state dict; its key follows from where the module hangs. */
export class Parameter {
  readonly shape: readonly number[];
  #key: string | undefined;

  constructor(shape: readonly number[]) {
    this.shape = shape;
  }

  /** The key in the state dict, such as `down_blocks.0.resnets.0.conv1.weight`. */
  get key(): string {
    if (this.#key === undefined)
      throw new TypeError('this parameter hangs on no model yet: call nameParameters(model) first');
    return this.#key;
  }

  /** Called once by {@link nameParameters}. */
  nameAs(key: string): void {
    this.#key = key;
  }

  /** The weight as a value of the graph that `at` belongs to, seen with the shape `dims`; by default its own. */
  in(
    at: Value,
    dims: readonly number[] = this.shape,
    rows: readonly [start: number, count: number] = [0, this.shape[0] ?? 1],
  ): Value {
    if (!(at.scope instanceof GraphBuilder)) throw new TypeError(`${this.key} is used outside a segment`);
    return at.scope.weight(this.key, this.shape, dims, rows);
  }
}
