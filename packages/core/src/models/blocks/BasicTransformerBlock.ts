import { Module } from '../../graph/Module.js';
import { attention } from '../../graph/nn/attention.js';
import { LayerNorm } from '../../graph/nn/LayerNorm.js';
import { Linear } from '../../graph/nn/Linear.js';
import { add, gelu, mul } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/** Multi-head attention with its projections (source: diffusers models/attention_processor.py). */
export class Attention extends Module {
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly to_out: readonly [Linear];
  readonly #heads: number;

  constructor(width: number, contextWidth: number, heads: number) {
    super();
    this.to_q = new Linear(width, width, { bias: false });
    this.to_k = new Linear(contextWidth, width, { bias: false });
    this.to_v = new Linear(contextWidth, width, { bias: false });
    this.to_out = [new Linear(width, width)];
    this.#heads = heads;
  }

  /** `x` [n, q, width] attends to `context` [n, k, contextWidth]. */
  forward(x: Value, context: Value = x): Value {
    const options = { heads: this.#heads };
    return this.to_out[0].forward(
      attention(this.to_q.forward(x), this.to_k.forward(context), this.to_v.forward(context), options),
    );
  }
}

/** A linear layer to twice the width, of which one half gates the other (source: diffusers models/activations.py). */
class GEGLU extends Module {
  readonly proj: Linear;
  readonly #width: number;

  constructor(inWidth: number, outWidth: number) {
    super();
    this.proj = new Linear(inWidth, 2 * outWidth);
    this.#width = outWidth;
  }

  forward(x: Value): Value {
    return mul(this.proj.forwardRows(x, 0, this.#width), gelu(this.proj.forwardRows(x, this.#width, this.#width)));
  }
}

/** GEGLU, then a linear layer; index 1 is dropout in Python. */
class FeedForward extends Module {
  readonly net: readonly [GEGLU, null, Linear];

  constructor(width: number) {
    super();
    this.net = [new GEGLU(width, 4 * width), null, new Linear(4 * width, width)];
  }

  forward(x: Value): Value {
    return this.net[2].forward(this.net[0].forward(x));
  }
}

/** Self-attention, cross-attention and feed-forward, each behind a layer norm (source: diffusers models/attention.py). */
export class BasicTransformerBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attn1: Attention;
  readonly norm2: LayerNorm;
  readonly attn2: Attention;
  readonly norm3: LayerNorm;
  readonly ff: FeedForward;
  readonly #onlyCrossAttention: boolean;

  constructor(width: number, contextWidth: number, heads: number, onlyCrossAttention: boolean) {
    super();
    this.norm1 = new LayerNorm(width);
    this.attn1 = new Attention(width, onlyCrossAttention ? contextWidth : width, heads);
    this.norm2 = new LayerNorm(width);
    this.attn2 = new Attention(width, contextWidth, heads);
    this.norm3 = new LayerNorm(width);
    this.ff = new FeedForward(width);
    this.#onlyCrossAttention = onlyCrossAttention;
  }

  forward(x: Value, context: Value): Value {
    const normal = this.norm1.forward(x);
    const a = add(this.attn1.forward(normal, this.#onlyCrossAttention ? context : normal), x);
    const b = add(this.attn2.forward(this.norm2.forward(a), context), a);
    return add(this.ff.forward(this.norm3.forward(b)), b);
  }
}
