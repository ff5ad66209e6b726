import { Module } from '../../graph/Module.js';
import { attention } from '../../graph/nn/attention.js';
import { Linear } from '../../graph/nn/Linear.js';
import { RMSNorm } from '../../graph/nn/RMSNorm.js';
import { rotaryEmbedding } from '../../graph/nn/rotaryEmbedding.js';
import { concat, split } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import type { Streams } from './CogVideoXBlock.js';
import { normByHead } from './normByHead.js';
import type { Rotation } from './rotaryAxes.js';

/** Sizes of a {@link FluxAttention}. */
export interface FluxAttentionOptions {
  readonly width: number;
  readonly heads: number;
  readonly headSize: number;
  readonly epsilon: number;
  /** Whether its linear layers have biases. Default true. */
  readonly bias?: boolean | undefined;
}

/** Joint attention of image and text, which have projections of their own, in FLUX.1 and FLUX.2 (source: diffusers models/transformers/transformer_flux.py). */
export class FluxAttention extends Module {
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly norm_q: RMSNorm;
  readonly norm_k: RMSNorm;
  readonly to_out: readonly [Linear];
  readonly norm_added_q: RMSNorm;
  readonly norm_added_k: RMSNorm;
  readonly add_q_proj: Linear;
  readonly add_k_proj: Linear;
  readonly add_v_proj: Linear;
  readonly to_add_out: Linear;
  readonly #heads: number;

  constructor({ width, heads, headSize, epsilon, bias = true }: FluxAttentionOptions) {
    super();
    const linear = (): Linear => new Linear(width, width, { bias });
    this.to_q = linear();
    this.to_k = linear();
    this.to_v = linear();
    this.norm_q = new RMSNorm(headSize, epsilon);
    this.norm_k = new RMSNorm(headSize, epsilon);
    this.to_out = [linear()];
    this.norm_added_q = new RMSNorm(headSize, epsilon);
    this.norm_added_k = new RMSNorm(headSize, epsilon);
    this.add_q_proj = linear();
    this.add_k_proj = linear();
    this.add_v_proj = linear();
    this.to_add_out = linear();
    this.#heads = heads;
  }

  /** The text's tokens first, then the image's; [n, tokens, width] each. */
  forward({ hidden, text }: Streams, rotation: Rotation): Streams {
    const heads = this.#heads;
    const joint = (ofText: Value, ofImage: Value): Value => concat([ofText, ofImage], 1);
    const queries = joint(
      normByHead(this.add_q_proj.forward(text), this.norm_added_q, heads),
      normByHead(this.to_q.forward(hidden), this.norm_q, heads),
    );
    const keys = joint(
      normByHead(this.add_k_proj.forward(text), this.norm_added_k, heads),
      normByHead(this.to_k.forward(hidden), this.norm_k, heads),
    );
    const values = joint(this.add_v_proj.forward(text), this.to_v.forward(hidden));
    const attended = turnedAttention(queries, keys, values, { rotation, heads });
    const [ofText, ofImage] = split(attended, [text.dim(1), hidden.dim(1)], 1) as [Value, Value];
    return { hidden: this.to_out[0].forward(ofImage), text: this.to_add_out.forward(ofText) };
  }
}

/** Attention of queries and keys that are turned by their positions; [n, tokens, heads · d] each. */
export function turnedAttention(
  queries: Value,
  keys: Value,
  values: Value,
  { rotation: { cosines, sines }, heads }: { readonly rotation: Rotation; readonly heads: number },
): Value {
  const turn = (x: Value): Value => rotaryEmbedding(x, cosines, sines, { heads });
  return attention(turn(queries), turn(keys), values, { heads });
}
