import {
  add,
  CLIPEncoder,
  type CLIPEncoderOptions,
  concat,
  ConfigReader,
  Conv2d,
  Embedding,
  LayerNorm,
  Linear,
  loadPretrained,
  Model,
  type ModelConfig,
  type ModelEntry,
  Module,
  Parameter,
  readCLIPEncoderOptions,
  reshape,
  segment,
  slice,
  transpose,
  type Value,
} from '@thimble/core/model';
import type { LoadPretrainedOptions, PretrainedModel } from '@thimble/core';

const CLASS = 'CLIPVisionModelWithProjection';
const CHANNELS = 3;

interface CLIPVisionOptions extends CLIPEncoderOptions {
  readonly imageSize: number;
  readonly patchSize: number;
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
    const options: CLIPVisionOptions = {
      ...readCLIPEncoderOptions(reader, { width: 768, heads: 12, innerWidth: 3072 }),
      imageSize: reader.size('image_size', 224),
      patchSize: reader.size('patch_size', 32),
    };
    return new CLIPVisionModelWithProjection(config, options, reader.size('projection_dim', 512));
  }

  #forward(pixels: Value): Record<string, Value> {
    const { embeddings, pre_layrnorm: first, encoder, post_layernorm: last } = this.vision_model;
    const { x: embedded } = segment(embeddings.path, { pixels }, (inner) => ({
      x: first.forward(embeddings.forward(inner.pixels)),
    }));
    const { last: x, hidden } = encoder.forward(embedded);
    const { visual_projection: projection } = this;
    const { embeds } = segment(projection.path, { x }, (inner) => {
      const whole = reshape(slice(inner.x, 1, 0, 1), [1, inner.x.dim(2)]);
      return { embeds: projection.forward(last.forward(whole)) };
    });
    return { image_embeds: embeds, ...hidden };
  }
}
