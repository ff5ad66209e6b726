import { Module } from '../../graph/Module.js';
import { attention } from '../../graph/nn/attention.js';
import { Linear } from '../../graph/nn/Linear.js';
import { plainLayerNorm } from '../../graph/nn/plainLayerNorm.js';
import { RMSNorm } from '../../graph/nn/RMSNorm.js';
import { add, concat, mul, split } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import {
  AdaLayerNormContinuous,
  AdaLayerNormZero,
  type BlockModulation,
  type DualBlockModulation,
  modulate,
  SD35AdaLayerNormZeroX,
} from './AdaLayerNorms.js';
import type { Streams } from './CogVideoXBlock.js';
import { GeluFeedForward } from './GeluFeedForward.js';
import { normByHead } from './normByHead.js';

/** Of all norms. */
export const EPSILON = 1e-6;

/** What a transformer of Stable Diffusion 3 is built from. */
export interface SD3Options {
  readonly heads: number;
  readonly headSize: number;
  /** heads · headSize. */
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly textWidth: number;
  readonly pooledWidth: number;
  readonly layers: number;
  /** Blocks whose image tokens attend to themselves once more. */
  readonly dualLayers: ReadonlySet<number>;
  readonly qkNorm: boolean;
  /** Latents of a patch, on each side. */
  readonly patch: number;
  /** Patches of the table of positions, on each side. */
  readonly positions: number;
  /** Latents that it was trained with, on each side. */
  readonly sampleSize: number;
}

/** What a block is, beside the sizes of all. */
export interface JointBlockKind {
  /** Image tokens attend to themselves once more. */
  readonly dual: boolean;
  /** Nobody needs the text's tokens afterwards. */
  readonly last: boolean;
}

/** Attention of the image's tokens to themselves. */
class Attention extends Module {
  readonly norm_q: RMSNorm | undefined;
  readonly norm_k: RMSNorm | undefined;
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly to_out: readonly [Linear];
  protected readonly heads: number;

  constructor({ width, heads, headSize, qkNorm }: SD3Options) {
    super();
    this.norm_q = qkNorm ? new RMSNorm(headSize, EPSILON) : undefined;
    this.norm_k = qkNorm ? new RMSNorm(headSize, EPSILON) : undefined;
    this.to_q = new Linear(width, width);
    this.to_k = new Linear(width, width);
    this.to_v = new Linear(width, width);
    this.to_out = [new Linear(width, width)];
    this.heads = heads;
  }

  forward(hidden: Value): Value {
    const { heads } = this;
    const query = this.projected(hidden, this.to_q, this.norm_q);
    const key = this.projected(hidden, this.to_k, this.norm_k);
    return this.to_out[0].forward(attention(query, key, this.to_v.forward(hidden), { heads }));
  }

  protected projected(x: Value, linear: Linear, norm: RMSNorm | undefined): Value {
    const y = linear.forward(x);
    return norm === undefined ? y : normByHead(y, norm, this.heads);
  }
}

/** Attention of image and text to both. */
class JointAttention extends Attention {
  readonly norm_added_q: RMSNorm | undefined;
  readonly norm_added_k: RMSNorm | undefined;
  /** Unused in the last block, whose text is not needed any more; checkpoints have it. */
  readonly add_q_proj: Linear;
  readonly add_k_proj: Linear;
  readonly add_v_proj: Linear;
  readonly to_add_out: Linear | undefined;

  constructor(options: SD3Options, last: boolean) {
    super(options);
    const { width, headSize, qkNorm } = options;
    this.norm_added_q = qkNorm ? new RMSNorm(headSize, EPSILON) : undefined;
    this.norm_added_k = qkNorm ? new RMSNorm(headSize, EPSILON) : undefined;
    this.add_q_proj = new Linear(width, width);
    this.add_k_proj = new Linear(width, width);
    this.add_v_proj = new Linear(width, width);
    this.to_add_out = last ? undefined : new Linear(width, width);
  }

  override get pythonClass(): string {
    return 'Attention';
  }

  /** The image's tokens first, then the text's. */
  forwardJoint({ hidden, text }: Streams): { readonly hidden: Value; readonly text: Value | undefined } {
    const { heads } = this;
    const ofImage = this.projected(hidden, this.to_q, this.norm_q);
    const key = concat(
      [this.projected(hidden, this.to_k, this.norm_k), this.projected(text, this.add_k_proj, this.norm_added_k)],
      1,
    );
    const value = concat([this.to_v.forward(hidden), this.add_v_proj.forward(text)], 1);
    const out = this.to_add_out;
    if (out === undefined)
      return { hidden: this.to_out[0].forward(attention(ofImage, key, value, { heads })), text: undefined };
    const query = concat([ofImage, this.projected(text, this.add_q_proj, this.norm_added_q)], 1);
    const attended = attention(query, key, value, { heads });
    const [image, rest] = split(attended, [hidden.dim(1), text.dim(1)], 1) as [Value, Value];
    return { hidden: this.to_out[0].forward(image), text: out.forward(rest) };
  }
}

/**
 * A block of two streams, image and text, which meet in attention; the last one gives the image's tokens alone (source: diffusers models/attention.py).
 */
export class JointTransformerBlock extends Module {
  readonly norm1: AdaLayerNormZero | SD35AdaLayerNormZeroX;
  readonly norm1_context: AdaLayerNormZero | AdaLayerNormContinuous;
  readonly attn: JointAttention;
  readonly attn2: Attention | undefined;
  readonly ff: GeluFeedForward;
  readonly ff_context: GeluFeedForward | undefined;

  constructor(options: SD3Options, { dual, last }: JointBlockKind) {
    super();
    const { width } = options;
    const norm = { width, epsilon: EPSILON };
    this.norm1 = dual ? new SD35AdaLayerNormZeroX(norm) : new AdaLayerNormZero(norm);
    this.norm1_context = last ? new AdaLayerNormContinuous(norm) : new AdaLayerNormZero(norm);
    this.attn = new JointAttention(options, last);
    this.attn2 = dual ? new Attention(options) : undefined;
    this.ff = new GeluFeedForward(width);
    this.ff_context = last ? undefined : new GeluFeedForward(width);
  }

  /** Tokens [n, tokens, width], time embedding [n, width] → the tokens; the last block gives no text. */
  forward(streams: Streams, temb: Value): Readonly<Record<string, Value>> {
    const image: BlockModulation & Partial<DualBlockModulation> = this.norm1.forward(streams.hidden, temb);
    const context = this.norm1_context.forward(streams.text, temb);
    const text = 'normal' in context ? context.normal : context;
    const attended = this.attn.forwardJoint({ hidden: image.normal, text });
    let hidden = add(streams.hidden, mul(image.gate, attended.hidden));
    if (this.attn2 !== undefined && image.normal2 !== undefined && image.gate2 !== undefined)
      hidden = add(hidden, mul(image.gate2, this.attn2.forward(image.normal2)));
    const fed = { hidden: feedForward(hidden, this.ff, image) };
    if (this.ff_context === undefined || !('normal' in context) || attended.text === undefined) return fed;
    const changed = add(streams.text, mul(context.gate, attended.text));
    return { ...fed, text: feedForward(changed, this.ff_context, context) };
  }
}

/** Tokens, and what the feed-forward makes of them under its modulation. */
function feedForward(x: Value, ff: GeluFeedForward, { scale, shift, feedForwardGate: gate }: BlockModulation): Value {
  return add(x, mul(gate, ff.forward(modulate(plainLayerNorm(x, EPSILON), scale, shift))));
}
