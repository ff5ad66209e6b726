import { Module } from '../../graph/Module.js';
import { Linear } from '../../graph/nn/Linear.js';
import { plainLayerNorm } from '../../graph/nn/plainLayerNorm.js';
import { RMSNorm } from '../../graph/nn/RMSNorm.js';
import { add, builderOf, concat, mul, reshape, silu, split } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import type { Streams } from './CogVideoXBlock.js';
import { FluxAttention, turnedAttention } from './FluxAttention.js';
import { normByHead } from './normByHead.js';
import type { Rotation } from './rotaryAxes.js';

/** What a FLUX.2 transformer is built from. */
export interface Flux2Options {
  readonly heads: number;
  readonly headSize: number;
  /** heads · headSize. */
  readonly width: number;
  readonly innerWidth: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly textWidth: number;
  readonly layers: number;
  readonly singleLayers: number;
  readonly timeChannels: number;
  readonly epsilon: number;
  readonly rotaryBase: number;
  /** Features of a head for each axis. */
  readonly axes: readonly number[];
}

/** Shift, scale and gate of one part of a block, [n or 1, 1, width] each. */
export interface Modulation {
  readonly shift: Value;
  readonly scale: Value;
  readonly gate: Value;
}

/** What all blocks of a kind are modulated by: it is computed once for all of them. */
export class Flux2Modulation extends Module {
  readonly linear: Linear;
  readonly #width: number;

  constructor({ width }: Flux2Options, parts: number) {
    super();
    this.linear = new Linear(width, 3 * parts * width, { bias: false });
    this.#width = width;
  }

  /** [n, width] → [n, 3 · parts · width]. */
  forward(temb: Value): Value {
    return this.linear.forward(silu(temb));
  }

  /** The chunks of what {@link forward} gives. */
  parts(modulation: Value): readonly Modulation[] {
    const chunks = split(
      reshape(modulation, [modulation.dim(0), 1, modulation.dim(1)]),
      Array.from({ length: modulation.dim(1) / this.#width }, () => this.#width),
      2,
    );
    return Array.from({ length: chunks.length / 3 }, (_, i) => {
      const [shift, scale, gate] = chunks.slice(3 * i, 3 * i + 3) as [Value, Value, Value];
      return { shift, scale, gate };
    });
  }
}

class Flux2FeedForward extends Module {
  readonly linear_in: Linear;
  readonly linear_out: Linear;
  readonly #innerWidth: number;

  constructor({ width, innerWidth }: Flux2Options) {
    super();
    this.linear_in = new Linear(width, 2 * innerWidth, { bias: false });
    this.linear_out = new Linear(innerWidth, width, { bias: false });
    this.#innerWidth = innerWidth;
  }

  forward(x: Value): Value {
    return this.linear_out.forward(swiGlu(this.linear_in, x, 0, this.#innerWidth));
  }
}

class Flux2Attention extends FluxAttention {
  constructor(options: Flux2Options) {
    super({ ...options, bias: false });
  }
}

/** A block of two streams, image and text, which meet in attention (source: diffusers models/transformers/transformer_flux2.py). */
export class Flux2TransformerBlock extends Module {
  readonly attn: Flux2Attention;
  readonly ff: Flux2FeedForward;
  readonly ff_context: Flux2FeedForward;
  readonly #epsilon: number;

  constructor(options: Flux2Options) {
    super();
    this.attn = new Flux2Attention(options);
    this.ff = new Flux2FeedForward(options);
    this.ff_context = new Flux2FeedForward(options);
    this.#epsilon = options.epsilon;
  }

  /** `image` and `context` are the modulations of attention, then of the feed-forward. */
  forward(streams: Streams, image: readonly Modulation[], context: readonly Modulation[], rotation: Rotation): Streams {
    const [attention, feedForward] = image as readonly [Modulation, Modulation];
    const [textAttention, textFeedForward] = context as readonly [Modulation, Modulation];
    const normal = {
      hidden: modulate(streams.hidden, attention, this.#epsilon),
      text: modulate(streams.text, textAttention, this.#epsilon),
    };
    const attended = this.attn.forward(normal, rotation);
    const hidden = add(streams.hidden, mul(attention.gate, attended.hidden));
    const text = add(streams.text, mul(textAttention.gate, attended.text));
    const [fed, textFed] = [
      this.ff.forward(modulate(hidden, feedForward, this.#epsilon)),
      this.ff_context.forward(modulate(text, textFeedForward, this.#epsilon)),
    ];
    return { hidden: add(hidden, mul(feedForward.gate, fed)), text: add(text, mul(textFeedForward.gate, textFed)) };
  }
}

/** Queries, keys, values and the feed-forward's features are one projection, and so are the outputs. */
class Flux2ParallelSelfAttention extends Module {
  readonly to_qkv_mlp_proj: Linear;
  readonly norm_q: RMSNorm;
  readonly norm_k: RMSNorm;
  readonly to_out: Linear;
  readonly #options: Flux2Options;

  constructor(options: Flux2Options) {
    super();
    const { width, innerWidth, headSize, epsilon } = options;
    this.to_qkv_mlp_proj = new Linear(width, 3 * width + 2 * innerWidth, { bias: false });
    this.norm_q = new RMSNorm(headSize, epsilon);
    this.norm_k = new RMSNorm(headSize, epsilon);
    this.to_out = new Linear(width + innerWidth, width, { bias: false });
    this.#options = options;
  }

  forward(x: Value, rotation: Rotation): Value {
    const { heads, width, innerWidth } = this.#options;
    const part = (index: number): Value => this.to_qkv_mlp_proj.forwardRows(x, index * width, width);
    const queries = normByHead(part(0), this.norm_q, heads);
    const keys = normByHead(part(1), this.norm_k, heads);
    const attended = turnedAttention(queries, keys, part(2), { rotation, heads });
    return this.to_out.forward(concat([attended, swiGlu(this.to_qkv_mlp_proj, x, 3 * width, innerWidth)], 2));
  }
}

/** A block of one stream, text and image one after the other. */
export class Flux2SingleTransformerBlock extends Module {
  readonly attn: Flux2ParallelSelfAttention;
  readonly #epsilon: number;

  constructor(options: Flux2Options) {
    super();
    this.attn = new Flux2ParallelSelfAttention(options);
    this.#epsilon = options.epsilon;
  }

  forward(x: Value, modulation: Modulation, rotation: Rotation): Value {
    return add(x, mul(modulation.gate, this.attn.forward(modulate(x, modulation, this.#epsilon), rotation)));
  }
}

/** Of `linear`'s outputs from `start` on, the first half through SiLU times the second, `width` each. */
function swiGlu(linear: Linear, x: Value, start: number, width: number): Value {
  return mul(silu(linear.forwardRows(x, start, width)), linear.forwardRows(x, start + width, width));
}

/** norm(x) · (1 + scale) + shift. */
function modulate(x: Value, { scale, shift }: Modulation, epsilon: number): Value {
  return add(mul(plainLayerNorm(x, epsilon), add(scale, builderOf(x).constant('float32', [], [1]))), shift);
}
