import { COMPOSITE_DOMAIN } from '../Graph.js';
import { Module } from '../Module.js';
import { builderOf } from '../operations.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** `torch.nn.GroupNorm` on [n, c, …], as the composite `GroupNormalization` that a pass lowers. */
export class GroupNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #groups: number;
  readonly #epsilon: number;

  constructor(groups: number, channels: number, epsilon: number) {
    super();
    this.weight = new Parameter([channels]);
    this.bias = new Parameter([channels]);
    this.#groups = groups;
    this.#epsilon = epsilon;
  }

  forward(x: Value): Value {
    const channels = x.dim(1);
    const dims = [channels, ...x.dims.slice(2).map(() => 1)];
    const inputs = [x, this.weight.in(x, dims), this.bias.in(x, dims)];
    return builderOf(x).emit(
      'GroupNormalization',
      inputs,
      { dims: x.dims },
      { num_groups: { int: this.#groups }, epsilon: { float: this.#epsilon } },
      COMPOSITE_DOMAIN,
    );
  }
}
