import { Module } from '../Module.js';
import { builderOf } from '../operations.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** `torch.nn.LayerNorm` over the last axis. */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #epsilon: number;

  constructor(features: number, epsilon = 1e-5) {
    super();
    this.weight = new Parameter([features]);
    this.bias = new Parameter([features]);
    this.#epsilon = epsilon;
  }

  forward(x: Value): Value {
    return builderOf(x).emit(
      'LayerNormalization',
      [x, this.weight.in(x), this.bias.in(x)],
      { dims: x.dims },
      {
        axis: { int: -1 },
        epsilon: { float: this.#epsilon },
      },
    );
  }
}
