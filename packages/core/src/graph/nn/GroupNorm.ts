import { COMPOSITE_DOMAIN } from '../Graph.js';
import { Module } from '../Module.js';
import { builderOf } from '../operations.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** `torch.nn.GroupNorm` on [n, c, h, w], as the composite `GroupNormalization` that a pass lowers. */
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
    const inputs = [x, this.weight.in(x, [channels, 1, 1]), this.bias.in(x, [channels, 1, 1])];
    return builderOf(x).emit('GroupNormalization', inputs, { dims: x.dims }, { num_groups: { int: this.#groups }, epsilon: { float: this.#epsilon } }, COMPOSITE_DOMAIN);
  }
}
