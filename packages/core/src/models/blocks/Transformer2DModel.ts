import { Module } from '../../graph/Module.js';
import { GroupNorm } from '../../graph/nn/GroupNorm.js';
import { Linear } from '../../graph/nn/Linear.js';
import { add } from '../../graph/operations.js';
import { segment } from '../../graph/segment.js';
import type { Value } from '../../graph/Value.js';
import type { ImageTokens } from '../imageTokenInputs.js';
import { BasicTransformerBlock } from './BasicTransformerBlock.js';
import { fromTokens, toTokens } from './tokens.js';

/** Options of a {@link Transformer2DModel}. */
export interface Transformer2DOptions {
  readonly channels: number;
  readonly heads: number;
  readonly layers: number;
  readonly crossAttentionDim: number;
  readonly groups: number;
  /** Whether `proj_in` and `proj_out` are linear layers in the checkpoint, else 1×1 convolutions. */
  readonly useLinearProjection: boolean;
  readonly onlyCrossAttention: boolean;
}

/**
 * Transformer over the pixels of [n, c, h, w] (source: diffusers models/transformers/transformer_2d.py). A 1×1 convolution and a
 * linear layer over channels are the same thing, so both projections run on tokens.
 */
export class Transformer2DModel extends Module {
  readonly norm: GroupNorm;
  readonly proj_in: Linear;
  readonly transformer_blocks: readonly BasicTransformerBlock[];
  readonly proj_out: Linear;

  constructor({
    channels,
    heads,
    layers,
    crossAttentionDim,
    groups,
    useLinearProjection,
    onlyCrossAttention,
  }: Transformer2DOptions) {
    super();
    const projection = useLinearProjection ? {} : { weightShape: [channels, channels, 1, 1] };
    this.norm = new GroupNorm(groups, channels, 1e-6);
    this.proj_in = new Linear(channels, channels, projection);
    this.transformer_blocks = Array.from(
      { length: layers },
      () => new BasicTransformerBlock(channels, crossAttentionDim, heads, onlyCrossAttention),
    );
    this.proj_out = new Linear(channels, channels, projection);
  }

  /**
   * One segment where it has one layer; else one for each layer and for what is before and after them, so that a few of the weights are there at a time. Segments
   * with cross-attention are given `image` too, for passes that let it attend to pictures.
   */
  forward(x: Value, context: Value, image: ImageTokens = {}): Value {
    const [only, ...more] = this.transformer_blocks;
    if (only !== undefined && more.length === 0)
      return segment(this.path, { x, context, ...image }, (inner) => ({
        x: this.#leave(only.forward(this.#enter(inner.x), inner.context), inner.x),
      })).x;
    let { tokens } = segment(this.proj_in.path, { x }, (inner) => ({ tokens: this.#enter(inner.x) }));
    for (const block of this.transformer_blocks)
      tokens = segment(block.path, { tokens, context, ...image }, (inner) => ({
        tokens: block.forward(inner.tokens, inner.context),
      })).tokens;
    return segment(this.proj_out.path, { tokens, x }, (inner) => ({ x: this.#leave(inner.tokens, inner.x) })).x;
  }

  #enter(x: Value): Value {
    return this.proj_in.forward(toTokens(this.norm.forward(x)));
  }

  #leave(tokens: Value, x: Value): Value {
    return add(fromTokens(this.proj_out.forward(tokens), x), x);
  }
}
