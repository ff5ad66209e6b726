import {
  LayerNorm,
  Linear,
  Model,
  type ModelConfig,
  type ModelEntry,
  Module,
  reshape,
  segment,
  type Value,
} from '@thimble/core/model';

/** What an {@link ImageProjection} is as large as. */
export interface ImageProjectionSizes {
  /** Of a picture's embedding. */
  readonly embedDim: number;
  readonly crossAttentionDim: number;
  readonly tokens: number;
}

class Projection extends Module {
  readonly proj: Linear;
  readonly norm: LayerNorm;
  readonly #sizes: ImageProjectionSizes;

  constructor(sizes: ImageProjectionSizes) {
    super();
    const { embedDim, crossAttentionDim, tokens } = sizes;
    this.proj = new Linear(embedDim, tokens * crossAttentionDim);
    this.norm = new LayerNorm(crossAttentionDim);
    this.#sizes = sizes;
  }

  forward(embeds: Value): Value {
    const { tokens, crossAttentionDim } = this.#sizes;
    const flat = this.proj.forward(embeds);
    return this.norm.forward(
      reshape(flat, [embeds.dim(0), tokens, crossAttentionDim], [-1, tokens, crossAttentionDim]),
    );
  }
}

/**
 * A picture's embedding as tokens that a UNet attends to (source: diffusers models/embeddings.py, `ImageProjection`).
 *
 * `call({ image_embeds })`, float32 [n, embedDim] → `ip_hidden_states` [n, tokens, crossAttentionDim].
 */
export class ImageProjection extends Model {
  readonly className = 'ImageProjection';
  readonly config: ModelConfig;
  readonly image_proj: Projection;
  readonly entries: Readonly<Record<string, ModelEntry>>;

  constructor(sizes: ImageProjectionSizes) {
    super();
    this.config = { ...sizes };
    this.image_proj = new Projection(sizes);
    this.entries = {
      call: {
        inputs: { image_embeds: { types: ['float32'], dims: ['batch', sizes.embedDim] } },
        nominal: {},
        outputs: ['ip_hidden_states'],
        forward: ({ image_embeds }) =>
          segment('image_proj', { embeds: image_embeds as Value }, ({ embeds }) => ({
            ip_hidden_states: this.image_proj.forward(embeds),
          })),
      },
    };
  }
}
