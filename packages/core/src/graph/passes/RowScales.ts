import type { Emitter } from '../Emitter.js';
import type { GraphWeight } from '../Graph.js';
import { ONNX_TYPE } from '../operations.js';

/** Widens weights of int8 to float32: each row times its scale. The scales become weights of the graph. */
export class RowScales {
  readonly #scales = new Map<string, GraphWeight>();

  /** Those that were needed. */
  get weights(): readonly GraphWeight[] {
    return [...this.#scales.values()];
  }

  /** Adds what makes the float32 value `output` of a weight. */
  widen(weight: GraphWeight, output: string, emit: Emitter): void {
    emit.last('DequantizeLinear', [weight.name, this.#of(weight, [])], output, { axis: { int: 0 } });
  }

  /** Adds what makes the float32 value `output` of `rows`, which were gathered from a weight by `ids`. */
  widenRows(weight: GraphWeight, rows: string, ids: string, output: string, emit: Emitter): void {
    emit.last(
      'Mul',
      [emit.one('Cast', [rows], { to: { int: ONNX_TYPE.float32 } }), emit.one('Gather', [this.#of(weight, [1]), ids])],
      output,
    );
  }

  /** The scales of a weight's rows, as a weight of its own with the shape [rows, …`more`]. */
  #of({ name, key, rows: [, count], scale }: GraphWeight, more: readonly number[]): string {
    if (scale === undefined) throw new TypeError(`weight ${key} is stored in int8 and has no scale`);
    const dims = [count, ...more];
    const scaleName = `${name}/scale${dims.length > 1 ? '/rows' : ''}`;
    this.#scales.set(scaleName, {
      name: scaleName,
      key,
      shape: dims,
      dims,
      rows: [0, count],
      type: 'float32',
      source: scale,
    });
    return scaleName;
  }
}
