import { Module } from '../graph/Module.js';
import { Embedding } from '../graph/nn/Embedding.js';
import { LayerNorm } from '../graph/nn/LayerNorm.js';
import { Linear } from '../graph/nn/Linear.js';
import { add, builderOf, cast, reshape } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { CLIPEncoder, type CLIPEncoderOptions, readCLIPEncoderOptions } from './CLIPEncoder.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

const PREFIX = 'text_model.';

interface CLIPTextOptions extends CLIPEncoderOptions {
  readonly vocabulary: number;
  readonly positions: number;
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
    const options: CLIPTextOptions = {
      ...readCLIPEncoderOptions(reader, { width: 512, heads: 8, innerWidth: 2048 }),
      causal: true,
      vocabulary: reader.size('vocab_size', 49408),
      positions: reader.size('max_position_embeddings', 77),
      endOfText: reader.index('eos_token_id', 49407),
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
    const { x } =
      inputsEmbeds === undefined
        ? segment(embeddings.path, { ids: inputIds }, ({ ids }) => ({
            x: embeddings.forward(embeddings.token_embedding.forward(ids)),
          }))
        : segment(embeddings.path, { embeds: inputsEmbeds }, ({ embeds }) => ({ x: embeddings.forward(embeds) }));
    const { last: output, hidden } = encoder.forward(x);
    const last = this.#normalize(output);
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
