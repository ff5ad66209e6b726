import { checkMembers } from '../../fields/checkMembers.js';
import { gemm, reshape } from '../operations.js';
import { Module } from '../Module.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** `torch.nn.Linear`: [..., in] → [..., out]. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(
    inFeatures: number,
    outFeatures: number,
    options: { bias?: boolean | undefined; weightShape?: readonly number[] | undefined } = {},
  ) {
    super();
    checkMembers('options', options, 'an object, or nothing', []);
    this.weight = new Parameter(options.weightShape ?? [outFeatures, inFeatures]);
    this.bias = options.bias === false ? undefined : new Parameter([outFeatures]);
  }

  /** A 1×1 convolution where the checkpoint has one. */
  override get pythonClass(): string {
    return this.weight.shape.length === 4 ? 'Conv2d' : 'Linear';
  }

  forward(x: Value): Value {
    return this.forwardRows(x, 0, this.weight.shape[0] as number);
  }

  /** The outputs `start` to `start + count` alone: a projection that is split afterwards needs no copy. */
  forwardRows(x: Value, start: number, count: number): Value {
    const inFeatures = this.weight.shape[1] as number;
    const rows = x.dims.slice(0, -1).reduce((a, b) => a * b, 1);
    const flat = x.dims.length === 2 ? x : reshape(x, [rows, inFeatures], [-1, inFeatures]);
    const y = gemm(
      flat,
      this.weight.in(x, [count, inFeatures], [start, count]),
      this.bias?.in(x, [count], [start, count]),
    );
    if (x.dims.length === 2) return y;
    return reshape(y, [...x.dims.slice(0, -1), count], [-1, ...x.dims.slice(1, -1), count]);
  }
}
