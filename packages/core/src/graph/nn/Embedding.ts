import { Module } from '../Module.js';
import { builderOf } from '../operations.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** `torch.nn.Embedding`: int64 ids [...] → [..., features]. */
export class Embedding extends Module {
  readonly weight: Parameter;

  constructor(entries: number, features: number) {
    super();
    this.weight = new Parameter([entries, features]);
  }

  forward(ids: Value): Value {
    return builderOf(ids).emit('Gather', [this.weight.in(ids), ids], {
      dims: [...ids.dims, this.weight.shape[1] as number],
      type: 'float32',
    });
  }
}
