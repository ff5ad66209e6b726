import { Module } from '../Module.js';
import { add, builderOf, mul, reshape } from '../operations.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** `torch.nn.GroupNorm` on [n, c, h, w]: InstanceNormalization over [n, groups, rest], then gain and bias by channel. */
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
    const builder = builderOf(x);
    const [n, c, h, w] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
    const groups = this.#groups;
    const ones = builder.constant('float32', [groups], Array.from({ length: groups }, () => 1));
    const zeros = builder.constant('float32', [groups], Array.from({ length: groups }, () => 0));
    const grouped = reshape(x, [n, groups, (c / groups) * h * w], [0, groups, -1]);
    const normal = builder.emit('InstanceNormalization', [grouped, ones, zeros], { dims: grouped.dims }, { epsilon: { float: this.#epsilon } });
    const back = reshape(normal, x.dims, [-1, c, h, w]);
    return add(mul(back, this.weight.in(x, [c, 1, 1])), this.bias.in(x, [c, 1, 1]));
  }
}
