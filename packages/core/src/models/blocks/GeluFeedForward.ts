import { Module } from '../../graph/Module.js';
import { Linear } from '../../graph/nn/Linear.js';
import { geluTanh } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

class GELU extends Module {
  readonly proj: Linear;

  constructor(inWidth: number, outWidth: number) {
    super();
    this.proj = new Linear(inWidth, outWidth);
  }

  forward(x: Value): Value {
    return geluTanh(this.proj.forward(x));
  }
}

/** A feed-forward of four times the width, with the tanh form of GELU (source: diffusers models/attention.py, `FeedForward` with 'gelu-approximate'). */
export class GeluFeedForward extends Module {
  /** Index 1 is dropout in Python. */
  readonly net: readonly [GELU, null, Linear];

  constructor(width: number) {
    super();
    this.net = [new GELU(width, 4 * width), null, new Linear(4 * width, width)];
  }

  override get pythonClass(): string {
    return 'FeedForward';
  }

  forward(x: Value): Value {
    return this.net[2].forward(this.net[0].forward(x));
  }
}
