import { Module } from '../graph/Module.js';
import { attention } from '../graph/nn/attention.js';
import { Embedding } from '../graph/nn/Embedding.js';
import { LayerNorm } from '../graph/nn/LayerNorm.js';
import { Linear } from '../graph/nn/Linear.js';
import { add, builderOf, cast, gelu, quickGelu, reshape } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

const HIDDEN_ACTIVATIONS = { quick_gelu: quickGelu, gelu } as const;
const PREFIX = 'text_model.';

interface CLIPTextOptions {
  readonly vocabulary: number;
  readonly positions: number;
  readonly width: number;
  readonly innerWidth: number;
  readonly layers: number;
  readonly heads: number;
  readonly epsilon: number;
  readonly activation: keyof typeof HIDDEN_ACTIVATIONS;
  readonly endOfText: number;
}

class CLIPTextEmbeddings extends Module {
  readonly token_embedding: Embedding;
  readonly position_embedding: Embedding;

  constructor({ vocabulary, positions, width }: CLIPTextOptions) {
    super();
    this.token_embedding = new Embedding(vocabulary, width);
    this.position_embedding = new Embedding(positions, width);
  }

  /** `embeds` [n, tokens, width] are the tokens' vectors, without their positions. */
  forward(embeds: Value): Value {
    const length = embeds.dim(1);
    const positions = builderOf(embeds).constant(
      'int64',
      [1, length],
      Array.from({ length }, (_, i) => i),
    );
    return add(embeds, this.position_embedding.forward(positions));
  }
}

class CLIPAttention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly out_proj: Linear;
  readonly #heads: number;

  constructor({ width, heads }: CLIPTextOptions) {
    super();
    this.q_proj = new Linear(width, width);
    this.k_proj = new Linear(width, width);
    this.v_proj = new Linear(width, width);
    this.out_proj = new Linear(width, width);
    this.#heads = heads;
  }

  forward(x: Value): Value {
    return this.out_proj.forward(
      attention(this.q_proj.forward(x), this.k_proj.forward(x), this.v_proj.forward(x), {
        heads: this.#heads,
        causal: true,
      }),
    );
  }
}

class CLIPMLP extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #activation: (x: Value) => Value;

  constructor({ width, innerWidth, activation }: CLIPTextOptions) {
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
  readonly layer_norm1: LayerNorm;
  readonly self_attn: CLIPAttention;
  readonly layer_norm2: LayerNorm;
  readonly mlp: CLIPMLP;

  constructor(options: CLIPTextOptions) {
    super();
    this.layer_norm1 = new LayerNorm(options.width, options.epsilon);
    this.self_attn = new CLIPAttention(options);
    this.layer_norm2 = new LayerNorm(options.width, options.epsilon);
    this.mlp = new CLIPMLP(options);
  }

  forward(x: Value): Value {
    const attended = add(x, this.self_attn.forward(this.layer_norm1.forward(x)));
    return add(attended, this.mlp.forward(this.layer_norm2.forward(attended)));
  }
}

class CLIPEncoder extends Module {
  readonly layers: readonly CLIPEncoderLayer[];

  constructor(options: CLIPTextOptions) {
    super();
    this.layers = Array.from({ length: options.layers }, () => new CLIPEncoderLayer(options));
  }
}

class CLIPTextTransformer extends Module {
  readonly embeddings: CLIPTextEmbeddings;
  readonly encoder: CLIPEncoder;
  readonly final_layer_norm: LayerNorm;

  constructor(options: CLIPTextOptions) {
    super();
    this.embeddings = new CLIPTextEmbeddings(options);
    this.encoder = new CLIPEncoder(options);
    this.final_layer_norm = new LayerNorm(options.width, options.epsilon);
  }
}

/**
 * CLIP's text encoder, with or without the projection of the pooled token (source: transformers models/clip/modeling_clip.py).
 *
 * - `call({ input_ids })`, int64 [n, tokens] → `last_hidden_state` [n, tokens, width], `pooler_output` [n, width], with projection
 *   `text_embeds` [n, projection]; on request `hidden_states.0` (the embedding) to `hidden_states.L`, none with the final norm. With `inputs_embeds`,
 *   float32 [n, tokens, width], these are the tokens' vectors, and `input_ids` only say where the text ends.
 * - `embed({ input_ids })` → `inputs_embeds`: the tokens' vectors, without their positions.
 * - `normalize({ hidden_states })` → `last_hidden_state`: the final norm alone, for outputs of an earlier layer (`clipSkip`).
 */
export class CLIPTextModel extends Model {
  static readonly componentName = 'text_encoder';
  readonly className: string;
  readonly config: ModelConfig;
  readonly text_model: CLIPTextTransformer;
  readonly text_projection: Linear | undefined;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: CLIPTextOptions;

  private constructor(
    className: string,
    config: ModelConfig,
    options: CLIPTextOptions,
    projectionDim: number | undefined,
  ) {
    super();
    this.className = className;
    this.config = config;
    this.text_model = new CLIPTextTransformer(options);
    this.text_projection =
      projectionDim === undefined ? undefined : new Linear(options.width, projectionDim, { bias: false });
    this.#options = options;
    this.entries = {
      call: {
        inputs: {
          input_ids: { types: ['int64'], dims: ['batch', 'tokens'] },
          inputs_embeds: { types: ['float32'], dims: ['batch', 'tokens', options.width], optional: true },
        },
        nominal: { tokens: options.positions },
        outputs: ['last_hidden_state', 'pooler_output', 'text_embeds'],
        forward: ({ input_ids, inputs_embeds }) => this.#forward(input_ids as Value, inputs_embeds),
      },
      embed: {
        inputs: { input_ids: { types: ['int64'], dims: ['batch', 'tokens'] } },
        nominal: { tokens: options.positions },
        outputs: ['inputs_embeds'],
        forward: ({ input_ids }) => this.#embed(input_ids as Value),
      },
      normalize: {
        inputs: { hidden_states: { types: ['float32'], dims: ['batch', 'tokens', options.width] } },
        nominal: { tokens: options.positions },
        outputs: ['last_hidden_state'],
        forward: ({ hidden_states }) => ({ last_hidden_state: this.#normalize(hidden_states as Value) }),
      },
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<CLIPTextModel>> {
    return loadPretrained(
      ['CLIPTextModel', 'CLIPTextModelWithProjection'],
      CLIPTextModel.fromConfig,
      folderOrId,
      options,
    );
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig, className: string): CLIPTextModel {
    const reader = new ConfigReader(className, config);
    const width = reader.size('hidden_size', 512);
    const heads = reader.size('num_attention_heads', 8);
    if (width % heads !== 0) reader.unsupported('num_attention_heads', heads, `a divisor of hidden_size, ${width}`);
    const options: CLIPTextOptions = {
      width,
      heads,
      vocabulary: reader.size('vocab_size', 49408),
      positions: reader.size('max_position_embeddings', 77),
      innerWidth: reader.size('intermediate_size', 2048),
      layers: reader.size('num_hidden_layers', 12),
      epsilon: reader.number('layer_norm_eps', 1e-5),
      activation: reader.oneOf(
        'hidden_act',
        Object.keys(HIDDEN_ACTIVATIONS) as (keyof typeof HIDDEN_ACTIVATIONS)[],
        'quick_gelu',
      ),
      endOfText: reader.number('eos_token_id', 49407),
    };
    return new CLIPTextModel(
      className,
      config,
      options,
      className === 'CLIPTextModelWithProjection' ? reader.size('projection_dim', 512) : undefined,
    );
  }

  override keyAliases(key: string): readonly string[] {
    return key.startsWith(PREFIX) ? [key.slice(PREFIX.length)] : [];
  }

  #embed(inputIds: Value): Record<string, Value> {
    const { path, token_embedding: embedding } = this.text_model.embeddings;
    return segment(path, { ids: inputIds }, ({ ids }) => ({ inputs_embeds: embedding.forward(ids) }));
  }

  #forward(inputIds: Value, inputsEmbeds: Value | undefined): Record<string, Value> {
    const { embeddings, encoder } = this.text_model;
    let { x } =
      inputsEmbeds === undefined
        ? segment(embeddings.path, { ids: inputIds }, ({ ids }) => ({
            x: embeddings.forward(embeddings.token_embedding.forward(ids)),
          }))
        : segment(embeddings.path, { embeds: inputsEmbeds }, ({ embeds }) => ({ x: embeddings.forward(embeds) }));
    const hidden: Record<string, Value> = { 'hidden_states.0': x };
    for (const [i, layer] of encoder.layers.entries()) {
      x = segment(layer.path, { x }, (inner) => ({ x: layer.forward(inner.x) })).x;
      hidden[`hidden_states.${i + 1}`] = x;
    }
    const last = this.#normalize(x);
    const projection = this.text_projection;
    const { pooled } = segment('pooler', { last, ids: inputIds }, (inner) => ({
      pooled: this.#pool(inner.last, inner.ids),
    }));
    const text =
      projection === undefined
        ? {}
        : segment(projection.path, { pooled }, (inner) => ({ text_embeds: projection.forward(inner.pooled) }));
    return { last_hidden_state: last, pooler_output: pooled, ...text, ...hidden };
  }

  #normalize(x: Value): Value {
    const { final_layer_norm: norm } = this.text_model;
    return segment(norm.path, { x }, (inner) => ({ last: norm.forward(inner.x) })).last;
  }

  /** The token at the end of the text: where the config says 2, as old ones do, the highest id, else the first `eos_token_id`. */
  #pool(last: Value, ids: Value): Value {
    const builder = builderOf(last);
    const n = ids.dim(0);
    const { endOfText } = this.#options;
    const scores =
      endOfText === 2
        ? ids
        : builder.emit('Equal', [ids, builder.constant('int64', [], [endOfText])], { dims: ids.dims, type: 'bool' });
    const index = builder.emit(
      'ArgMax',
      [cast(scores, 'int32')],
      { dims: [n, 1], type: 'int64' },
      { axis: { int: 1 }, keepdims: { int: 1 } },
    );
    const rows = builder.emit('GatherND', [last, index], { dims: [n, last.dim(2)] }, { batch_dims: { int: 1 } });
    return reshape(rows, [n, last.dim(2)], [-1, last.dim(2)]);
  }
}
