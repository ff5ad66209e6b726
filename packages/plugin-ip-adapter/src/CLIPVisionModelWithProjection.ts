import {
  add,
  attention,
  concat,
  ConfigReader,
  Conv2d,
  Embedding,
  gelu,
  LayerNorm,
  Linear,
  loadPretrained,
  Model,
  type ModelConfig,
  type ModelEntry,
  Module,
  Parameter,
  quickGelu,
  reshape,
  segment,
  slice,
  transpose,
  type Value,
} from '@thimble/core/model';
import type { LoadPretrainedOptions, PretrainedModel } from '@thimble/core';

const CLASS = 'CLIPVisionModelWithProjection';
const HIDDEN_ACTIVATIONS = { quick_gelu: quickGelu, gelu } as const;
const CHANNELS = 3;

interface CLIPVisionOptions {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly width: number;
  readonly innerWidth: number;
  readonly layers: number;
  readonly heads: number;
  readonly epsilon: number;
  readonly activation: keyof typeof HIDDEN_ACTIVATIONS;
}

class CLIPVisionEmbeddings extends Module {
  readonly class_embedding: Parameter;
  readonly patch_embedding: Conv2d;
  readonly position_embedding: Embedding;
  readonly #width: number;
  readonly #patches: number;

  constructor({ imageSize, patchSize, width }: CLIPVisionOptions) {
    super();
    this.#width = width;
    this.#patches = Math.floor(imageSize / patchSize) ** 2;
    this.class_embedding = new Parameter([width]);
    this.patch_embedding = new Conv2d(CHANNELS, width, patchSize, { stride: patchSize, bias: false });
    this.position_embedding = new Embedding(this.#patches + 1, width);
  }

  /** [1, 3, size, size] → [1, 1 + patches, width], what stands for the whole picture first. */
  forward(pixels: Value): Value {
    const patches = transpose(
      reshape(this.patch_embedding.forward(pixels), [1, this.#width, this.#patches]),
      [0, 2, 1],
    );
    const first = this.class_embedding.in(pixels, [1, 1, this.#width]);
    return add(concat([first, patches], 1), this.position_embedding.weight.in(pixels));
  }
}

class CLIPAttention extends Module {
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly q_proj: Linear;
  readonly out_proj: Linear;
  readonly #heads: number;

  constructor({ width, heads }: CLIPVisionOptions) {
    super();
    this.k_proj = new Linear(width, width);
    this.v_proj = new Linear(width, width);
    this.q_proj = new Linear(width, width);
    this.out_proj = new Linear(width, width);
    this.#heads = heads;
  }

  forward(x: Value): Value {
    const [q, k, v] = [this.q_proj, this.k_proj, this.v_proj].map((layer) => layer.forward(x)) as [Value, Value, Value];
    return this.out_proj.forward(attention(q, k, v, { heads: this.#heads }));
  }
}

class CLIPMLP extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #activation: (x: Value) => Value;

  constructor({ width, innerWidth, activation }: CLIPVisionOptions) {
    super();
    this.fc1 = new Linear(width, innerWidth);
    this.fc2 = new Linear(innerWidth, width);
    this.#activation = HIDDEN_ACTIVATIONS[activation];
  }

  forward(x: Value): Value {
    return this.fc2.forward(this.#activation(this.fc1.forward(x)));
  }
}

class CLIPEncoderLayer extends Module {
  readonly self_attn: CLIPAttention;
  readonly layer_norm1: LayerNorm;
  readonly mlp: CLIPMLP;
  readonly layer_norm2: LayerNorm;

  constructor(options: CLIPVisionOptions) {
    super();
    this.self_attn = new CLIPAttention(options);
    this.layer_norm1 = new LayerNorm(options.width, options.epsilon);
    this.mlp = new CLIPMLP(options);
    this.layer_norm2 = new LayerNorm(options.width, options.epsilon);
  }

  forward(x: Value): Value {
    const attended = add(x, this.self_attn.forward(this.layer_norm1.forward(x)));
    return add(attended, this.mlp.forward(this.layer_norm2.forward(attended)));
  }
}

class CLIPEncoder extends Module {
  readonly layers: readonly CLIPEncoderLayer[];

  constructor(options: CLIPVisionOptions) {
    super();
    this.layers = Array.from({ length: options.layers }, () => new CLIPEncoderLayer(options));
  }
}

class CLIPVisionTransformer extends Module {
  readonly embeddings: CLIPVisionEmbeddings;
  /** Spelt so in every checkpoint. */
  readonly pre_layrnorm: LayerNorm;
  readonly encoder: CLIPEncoder;
  readonly post_layernorm: LayerNorm;

  constructor(options: CLIPVisionOptions) {
    super();
    this.embeddings = new CLIPVisionEmbeddings(options);
    this.pre_layrnorm = new LayerNorm(options.width, options.epsilon);
    this.encoder = new CLIPEncoder(options);
    this.post_layernorm = new LayerNorm(options.width, options.epsilon);
  }
}

/**
 * CLIP's image encoder with its projection (source: transformers models/clip/modeling_clip.py).
 *
 * `call({ pixel_values })`, float32 [1, 3, size, size], one picture as {@link clipPixels} makes it → `image_embeds` [1, projection]; on request `hidden_states.0` (what the first
 * layer is given) to `hidden_states.L`, [1, 1 + patches, width], none with the norm at the end.
 */
export class CLIPVisionModelWithProjection extends Model {
  static readonly componentName = 'image_encoder';
  readonly className = CLASS;
  readonly config: ModelConfig;
  /** Sides of a picture, in pixels. */
  readonly imageSize: number;
  /** How many layers there are. */
  readonly layerCount: number;
  readonly vision_model: CLIPVisionTransformer;
  readonly visual_projection: Linear;
  readonly entries: Readonly<Record<string, ModelEntry>>;

  private constructor(config: ModelConfig, options: CLIPVisionOptions, projectionDim: number) {
    super();
    this.config = config;
    this.imageSize = options.imageSize;
    this.layerCount = options.layers;
    this.vision_model = new CLIPVisionTransformer(options);
    this.visual_projection = new Linear(options.width, projectionDim, { bias: false });
    const dims = [1, CHANNELS, options.imageSize, options.imageSize];
    this.entries = {
      call: {
        inputs: { pixel_values: { types: ['float32'], dims } },
        nominal: {},
        outputs: ['image_embeds'],
        forward: ({ pixel_values }) => this.#forward(pixel_values as Value),
      },
    };
  }

  /** Opens the weights of one: a folder or a hub id; as the `fromPretrained` of core's models. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<CLIPVisionModelWithProjection>> {
    return loadPretrained(CLASS, CLIPVisionModelWithProjection.fromConfig, folderOrId, options);
  }

  /** @throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field */
  static fromConfig(config: ModelConfig): CLIPVisionModelWithProjection {
    const reader = new ConfigReader(CLASS, config);
    reader.only('num_channels', CHANNELS);
    const width = reader.size('hidden_size', 768);
    const heads = reader.size('num_attention_heads', 12);
    if (width % heads !== 0) reader.unsupported('num_attention_heads', heads, `a divisor of hidden_size, ${width}`);
    const options: CLIPVisionOptions = {
      width,
      heads,
      imageSize: reader.size('image_size', 224),
      patchSize: reader.size('patch_size', 32),
      innerWidth: reader.size('intermediate_size', 3072),
      layers: reader.size('num_hidden_layers', 12),
      epsilon: reader.number('layer_norm_eps', 1e-5),
      activation: reader.oneOf(
        'hidden_act',
        Object.keys(HIDDEN_ACTIVATIONS) as (keyof typeof HIDDEN_ACTIVATIONS)[],
        'quick_gelu',
      ),
    };
    return new CLIPVisionModelWithProjection(config, options, reader.size('projection_dim', 512));
  }

  #forward(pixels: Value): Record<string, Value> {
    const { embeddings, pre_layrnorm: first, encoder, post_layernorm: last } = this.vision_model;
    let { x } = segment(embeddings.path, { pixels }, (inner) => ({
      x: first.forward(embeddings.forward(inner.pixels)),
    }));
    const hidden: Record<string, Value> = { 'hidden_states.0': x };
    for (const [i, layer] of encoder.layers.entries()) {
      x = segment(layer.path, { x }, (inner) => ({ x: layer.forward(inner.x) })).x;
      hidden[`hidden_states.${i + 1}`] = x;
    }
    const { visual_projection: projection } = this;
    const { embeds } = segment(projection.path, { x }, (inner) => {
      const whole = reshape(slice(inner.x, 1, 0, 1), [1, inner.x.dim(2)]);
      return { embeds: projection.forward(last.forward(whole)) };
    });
    return { image_embeds: embeds, ...hidden };
  }
}
