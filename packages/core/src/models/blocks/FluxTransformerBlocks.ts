import { Module } from '../../graph/Module.js';
import { Linear } from '../../graph/nn/Linear.js';
import { plainLayerNorm } from '../../graph/nn/plainLayerNorm.js';
import { RMSNorm } from '../../graph/nn/RMSNorm.js';
import { add, concat, geluTanh, mul } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { AdaLayerNormZero, AdaLayerNormZeroSingle, type BlockModulation, modulate } from './AdaLayerNorms.js';
import type { Streams } from './CogVideoXBlock.js';
import { GeluFeedForward } from './GeluFeedForward.js';
import { FluxAttention, turnedAttention } from './FluxAttention.js';
import { normByHead } from './normByHead.js';
import type { Rotation } from './rotaryAxes.js';

/** What a FLUX.1 transformer is built from. */
export interface FluxOptions {
  readonly heads: number;
  readonly headSize: number;
  /** heads · headSize. */
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly textWidth: number;
  readonly pooledWidth: number;
  readonly layers: number;
  readonly singleLayers: number;
  /** Whether the guidance scale is a condition. */
  readonly guidance: boolean;
  readonly epsilon: number;
  readonly rotaryBase: number;
  /** Features of a head for each axis. */
  readonly axes: readonly number[];
}

/** Attention of one stream; its output goes on with that of the feed-forward. */
class FluxSingleAttention extends Module {
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly norm_q: RMSNorm;
  readonly norm_k: RMSNorm;
  readonly #heads: number;

  constructor({ width, heads, headSize, epsilon }: FluxOptions) {
    super();
    this.to_q = new Linear(width, width);
    this.to_k = new Linear(width, width);
    this.to_v = new Linear(width, width);
    this.norm_q = new RMSNorm(headSize, epsilon);
    this.norm_k = new RMSNorm(headSize, epsilon);
    this.#heads = heads;
  }

  override get pythonClass(): string {
    return 'FluxAttention';
  }

  forward(x: Value, rotation: Rotation): Value {
    const queries = normByHead(this.to_q.forward(x), this.norm_q, this.#heads);
    const keys = normByHead(this.to_k.forward(x), this.norm_k, this.#heads);
    return turnedAttention(queries, keys, this.to_v.forward(x), { rotation, heads: this.#heads });
  }
}

/** A block of two streams, image and text, which meet in attention (source: diffusers models/transformers/transformer_flux.py). */
export class FluxTransformerBlock extends Module {
  readonly norm1: AdaLayerNormZero;
  readonly norm1_context: AdaLayerNormZero;
  readonly attn: FluxAttention;
  readonly ff: GeluFeedForward;
  readonly ff_context: GeluFeedForward;
  readonly #epsilon: number;

  constructor(options: FluxOptions) {
    super();
    this.norm1 = new AdaLayerNormZero(options);
    this.norm1_context = new AdaLayerNormZero(options);
    this.attn = new FluxAttention(options);
    this.ff = new GeluFeedForward(options.width);
    this.ff_context = new GeluFeedForward(options.width);
    this.#epsilon = options.epsilon;
  }

  forward(streams: Streams, temb: Value, rotation: Rotation): Streams {
    const image = this.norm1.forward(streams.hidden, temb);
    const text = this.norm1_context.forward(streams.text, temb);
    const attended = this.attn.forward({ hidden: image.normal, text: text.normal }, rotation);
    return {
      hidden: this.#feed(add(streams.hidden, mul(image.gate, attended.hidden)), image, this.ff),
      text: this.#feed(add(streams.text, mul(text.gate, attended.text)), text, this.ff_context),
    };
  }

  #feed(x: Value, { scale, shift, feedForwardGate }: BlockModulation, feedForward: GeluFeedForward): Value {
    const fed = feedForward.forward(modulate(plainLayerNorm(x, this.#epsilon), scale, shift));
    return add(x, mul(feedForwardGate, fed));
  }
}

/** A block of one stream, text and image one after the other: attention and feed-forward side by side. */
export class FluxSingleTransformerBlock extends Module {
  readonly norm: AdaLayerNormZeroSingle;
  readonly proj_mlp: Linear;
  readonly proj_out: Linear;
  readonly attn: FluxSingleAttention;

  constructor(options: FluxOptions) {
    super();
    const { width } = options;
    this.norm = new AdaLayerNormZeroSingle(options);
    this.proj_mlp = new Linear(width, 4 * width);
    this.proj_out = new Linear(5 * width, width);
    this.attn = new FluxSingleAttention(options);
  }

  forward(x: Value, temb: Value, rotation: Rotation): Value {
    const { normal, gate } = this.norm.forward(x, temb);
    const fed = geluTanh(this.proj_mlp.forward(normal));
    return add(x, mul(gate, this.proj_out.forward(concat([this.attn.forward(normal, rotation), fed], 2))));
  }
}
