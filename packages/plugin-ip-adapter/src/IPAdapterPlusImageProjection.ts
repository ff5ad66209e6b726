import {
  add,
  attention,
  concat,
  gelu,
  LayerNorm,
  Linear,
  Model,
  type ModelConfig,
  type ModelEntry,
  Module,
  Parameter,
  segment,
  type Value,
} from '@thimble/core/model';

/** What an {@link IPAdapterPlusImageProjection} is as large as. */
export interface PlusProjectionSizes {
  /** Of the image encoder's hidden states. */
  readonly embedDim: number;
  /** Of the latents that ask. */
  readonly width: number;
  /** Of queries, keys and values, all heads together. */
  readonly innerWidth: number;
  readonly feedForwardWidth: number;
  readonly crossAttentionDim: number;
  readonly tokens: number;
  readonly layers: number;
}

/** As in every such file. */
export const HEAD_WIDTH = 64;

/** Latents that ask a picture's hidden states and themselves. */
class PerceiverAttention extends Module {
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly to_q: Linear;
  readonly to_kv: Linear;
  readonly to_out: Linear;
  readonly #innerWidth: number;

  constructor({ width, innerWidth }: PlusProjectionSizes) {
    super();
    this.norm1 = new LayerNorm(width);
    this.norm2 = new LayerNorm(width);
    this.to_q = new Linear(width, innerWidth, { bias: false });
    this.to_kv = new Linear(width, 2 * innerWidth, { bias: false });
    this.to_out = new Linear(innerWidth, width, { bias: false });
    this.#innerWidth = innerWidth;
  }

  forward(x: Value, latents: Value): Value {
    const asking = this.norm2.forward(latents);
    const asked = concat([this.norm1.forward(x), asking], 1);
    const inner = this.#innerWidth;
    const [key, value] = [this.to_kv.forwardRows(asked, 0, inner), this.to_kv.forwardRows(asked, inner, inner)];
    return this.to_out.forward(attention(this.to_q.forward(asking), key, value, { heads: inner / HEAD_WIDTH }));
  }
}

/** A norm, a linear layer, GELU, which holds nothing, and a linear layer. */
type FeedForward = readonly [LayerNorm, Linear, null, Linear];

class Resampler extends Module {
  readonly latents: Parameter;
  readonly proj_in: Linear;
  readonly proj_out: Linear;
  readonly norm_out: LayerNorm;
  readonly layers: readonly (readonly [PerceiverAttention, FeedForward])[];

  constructor(sizes: PlusProjectionSizes) {
    super();
    const { embedDim, width, feedForwardWidth, crossAttentionDim, tokens } = sizes;
    this.latents = new Parameter([1, tokens, width]);
    this.proj_in = new Linear(embedDim, width);
    this.proj_out = new Linear(width, crossAttentionDim);
    this.norm_out = new LayerNorm(crossAttentionDim);
    this.layers = Array.from({ length: sizes.layers }, () => [
      new PerceiverAttention(sizes),
      [
        new LayerNorm(width),
        new Linear(width, feedForwardWidth, { bias: false }),
        null,
        new Linear(feedForwardWidth, width, { bias: false }),
      ],
    ]);
  }

  /** Each layer is a segment, so that a few of the weights are there at a time. */
  forward(states: Value): Value {
    const start = segment('image_proj.proj_in', { states }, (inner) => ({
      x: this.proj_in.forward(inner.states),
      latents: this.latents.in(inner.states),
    }));
    const { x } = start;
    let { latents } = start;
    for (const [i, [attend, [norm, widen, , narrow]]] of this.layers.entries())
      latents = segment(`image_proj.layers.${i}`, { x, latents }, (inner) => {
        const attended = add(attend.forward(inner.x, inner.latents), inner.latents);
        return { latents: add(narrow.forward(gelu(widen.forward(norm.forward(attended)))), attended) };
      }).latents;
    return segment('image_proj.proj_out', { latents }, (inner) => ({
      ip_hidden_states: this.norm_out.forward(this.proj_out.forward(inner.latents)),
    })).ip_hidden_states;
  }
}

/**
 * All that an image encoder sees as a few tokens that a UNet attends to: IP-Adapter Plus (source: diffusers models/embeddings.py, `IPAdapterPlusImageProjection`).
 *
 * `call({ image_embeds })`, float32 [1, image tokens, embedDim], the image encoder's hidden states before its last layer → `ip_hidden_states` [1, tokens, crossAttentionDim].
 */
export class IPAdapterPlusImageProjection extends Model {
  readonly className = 'IPAdapterPlusImageProjection';
  readonly config: ModelConfig;
  readonly image_proj: Resampler;
  readonly entries: Readonly<Record<string, ModelEntry>>;

  constructor(sizes: PlusProjectionSizes) {
    super();
    this.config = { ...sizes };
    this.image_proj = new Resampler(sizes);
    this.entries = {
      call: {
        inputs: { image_embeds: { types: ['float32'], dims: [1, 'imageTokens', sizes.embedDim] } },
        nominal: { imageTokens: 257 },
        outputs: ['ip_hidden_states'],
        forward: ({ image_embeds }) => ({ ip_hidden_states: this.image_proj.forward(image_embeds as Value) }),
      },
    };
  }
}
