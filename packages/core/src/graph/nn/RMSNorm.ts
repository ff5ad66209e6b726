import { Module } from '../Module.js';
import { builderOf } from '../operations.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** `torch.nn.RMSNorm`: divides by the root mean square over the last axis, times a weight; no mean is subtracted (arXiv 1910.07467). */
export class RMSNorm extends Module {
  readonly weight: Parameter;
  readonly #epsilon: number;

  constructor(features: number, epsilon: number) {
    super();
    this.weight = new Parameter([features]);
    this.#epsilon = epsilon;
  }

  forward(x: Value): Value {
    // The runtime's own operator; it lives in ONNX's domain, under this name.
    return builderOf(x).emit(
      'SimplifiedLayerNormalization',
      [x, this.weight.in(x)],
      { dims: x.dims },
      { axis: { int: -1 }, epsilon: { float: this.#epsilon } },
    );
  }
}
