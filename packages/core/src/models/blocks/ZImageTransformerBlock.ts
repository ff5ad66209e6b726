import { Module } from '../../graph/Module.js';
import { attention } from '../../graph/nn/attention.js';
import { Linear } from '../../graph/nn/Linear.js';
import { RMSNorm } from '../../graph/nn/RMSNorm.js';
import { rotaryEmbedding } from '../../graph/nn/rotaryEmbedding.js';
import { add, builderOf, concat, mul, reshape, silu, slice, tanh } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import type { Rotation } from './rotaryAxes.js';
import { apart, together } from './samples.js';

/** The norms of queries and keys have this one, whatever the config says. */
const QK_NORM_EPSILON = 1e-5;

/** What a Z-Image transformer is built from. */
export interface ZImageOptions {
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly refinerLayers: number;
  readonly inChannels: number;
  readonly patch: number;
  readonly captionWidth: number;
  /** Of the embedded timestep. */
  readonly timeWidth: number;
  readonly timeScale: number;
  readonly epsilon: number;
  readonly rotaryBase: number;
  /** Features of a head for each axis: frame or token of the caption, row, column. */
  readonly axes: readonly number[];
}

class ZImageAttention extends Module {
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly to_out: readonly [Linear];
  readonly norm_q: RMSNorm;
  readonly norm_k: RMSNorm;
  readonly #heads: number;

  constructor({ width, heads }: ZImageOptions) {
    super();
    this.to_q = new Linear(width, width, { bias: false });
    this.to_k = new Linear(width, width, { bias: false });
    this.to_v = new Linear(width, width, { bias: false });
    this.to_out = [new Linear(width, width, { bias: false })];
    this.norm_q = new RMSNorm(width / heads, QK_NORM_EPSILON);
    this.norm_k = new RMSNorm(width / heads, QK_NORM_EPSILON);
    this.#heads = heads;
  }

  override get pythonClass(): string {
    return 'Attention';
  }

  /** Tokens attend to those of their own sample. */
  forward(samples: readonly Value[], rotations: readonly Rotation[]): readonly Value[] {
    const tokens = concat(samples, 1);
    const rotation = {
      cosines: concat(
        rotations.map(({ cosines }) => cosines),
        0,
      ),
      sines: concat(
        rotations.map(({ sines }) => sines),
        0,
      ),
    };
    const queries = apart(this.#turn(this.to_q.forward(tokens), this.norm_q, rotation), samples);
    const keys = apart(this.#turn(this.to_k.forward(tokens), this.norm_k, rotation), samples);
    const values = apart(this.to_v.forward(tokens), samples);
    const attended = queries.map((query, i) =>
      attention(query, keys[i] as Value, values[i] as Value, { heads: this.#heads }),
    );
    return together(attended, (joint) => this.to_out[0].forward(joint));
  }

  /** Norm of each head, then the rotation. */
  #turn(x: Value, norm: RMSNorm, { cosines, sines }: Rotation): Value {
    const [heads, width] = [this.#heads, x.dim(2)];
    const byHead = reshape(x, [x.dim(0), x.dim(1), heads, width / heads], [0, 0, heads, width / heads]);
    const normal = reshape(norm.forward(byHead), x.dims, [0, 0, width]);
    return rotaryEmbedding(normal, cosines, sines, { heads });
  }
}

class FeedForward extends Module {
  readonly w1: Linear;
  readonly w2: Linear;
  readonly w3: Linear;

  constructor(width: number) {
    super();
    const innerWidth = Math.trunc((width / 3) * 8);
    this.w1 = new Linear(width, innerWidth, { bias: false });
    this.w2 = new Linear(innerWidth, width, { bias: false });
    this.w3 = new Linear(width, innerWidth, { bias: false });
  }

  forward(x: Value): Value {
    return this.w2.forward(mul(silu(this.w1.forward(x)), this.w3.forward(x)));
  }
}

/** Changes the features of each sample. */
type Modulate = (x: Value, sample: number) => Value;

/** Where a part of the block is changed by the timestep: before it, and what comes out. */
interface Modulation {
  readonly scale: Modulate;
  readonly gate: Modulate;
}

const UNCHANGED: Modulation = { scale: (x) => x, gate: (x) => x };

/** A transformer block with norms before and after attention and feed-forward; modulated by the timestep, or not. */
export class ZImageTransformerBlock extends Module {
  readonly attention: ZImageAttention;
  readonly feed_forward: FeedForward;
  readonly attention_norm1: RMSNorm;
  readonly ffn_norm1: RMSNorm;
  readonly attention_norm2: RMSNorm;
  readonly ffn_norm2: RMSNorm;
  readonly adaLN_modulation: readonly [Linear] | undefined;
  readonly #width: number;

  constructor(options: ZImageOptions, modulated: boolean) {
    super();
    const { width, timeWidth, epsilon } = options;
    this.attention = new ZImageAttention(options);
    this.feed_forward = new FeedForward(width);
    this.attention_norm1 = new RMSNorm(width, epsilon);
    this.ffn_norm1 = new RMSNorm(width, epsilon);
    this.attention_norm2 = new RMSNorm(width, epsilon);
    this.ffn_norm2 = new RMSNorm(width, epsilon);
    this.adaLN_modulation = modulated ? [new Linear(timeWidth, 4 * width)] : undefined;
    this.#width = width;
  }

  /** `samples` [1, tokens, width] each; `temb` [n or 1, time width]. */
  forward(samples: readonly Value[], rotations: readonly Rotation[], temb?: Value): readonly Value[] {
    const attention = this.#modulation(temb, 0);
    const attended = this.attention.forward(
      samples.map((x, i) => attention.scale(this.attention_norm1.forward(x), i)),
      rotations,
    );
    const between = samples.map((x, i) =>
      add(x, attention.gate(this.attention_norm2.forward(attended[i] as Value), i)),
    );
    const feedForward = this.#modulation(temb, 2);
    const fed = together(
      between.map((x, i) => feedForward.scale(this.ffn_norm1.forward(x), i)),
      (tokens) => this.feed_forward.forward(tokens),
    );
    return between.map((x, i) => add(x, feedForward.gate(this.ffn_norm2.forward(fed[i] as Value), i)));
  }

  /** Chunks of what the timestep becomes: scale and gate of attention, then of the feed-forward. */
  #modulation(temb: Value | undefined, first: number): Modulation {
    const linear = this.adaLN_modulation?.[0];
    if (linear === undefined || temb === undefined) return UNCHANGED;
    const chunk = (index: number): Value => linear.forwardRows(temb, index * this.#width, this.#width);
    const scales = add(chunk(first), builderOf(temb).constant('float32', [], [1]));
    const gates = tanh(chunk(first + 1));
    return { scale: (x, i) => mul(x, rowOf(scales, i)), gate: (x, i) => mul(x, rowOf(gates, i)) };
  }
}

/** One sample's row of [n or 1, width], as [1, width]. */
export function rowOf(x: Value, sample: number): Value {
  return x.dim(0) === 1 ? x : slice(x, 0, sample, sample + 1);
}
