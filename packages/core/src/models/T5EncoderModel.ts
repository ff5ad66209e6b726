import { Module } from '../graph/Module.js';
import { Embedding } from '../graph/nn/Embedding.js';
import { Linear } from '../graph/nn/Linear.js';
import { RMSNorm } from '../graph/nn/RMSNorm.js';
import {
  add,
  builderOf,
  gelu,
  geluTanh,
  matMul,
  mul,
  relu,
  reshape,
  silu,
  softmax,
  transpose,
} from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

/** T5 knows no longest prompt; CogVideoX, whose text encoder it is, was trained with this many tokens. */
const NOMINAL_TOKENS = 226;

const DENSE_ACTIVATIONS = { relu, gelu, gelu_new: geluTanh, gelu_pytorch_tanh: geluTanh, silu, swish: silu } as const;

interface T5Options {
  readonly vocabulary: number;
  readonly width: number;
  readonly headSize: number;
  readonly heads: number;
  readonly innerWidth: number;
  readonly layers: number;
  readonly buckets: number;
  readonly maxDistance: number;
  readonly epsilon: number;
  readonly activation: keyof typeof DENSE_ACTIVATIONS;
  readonly gated: boolean;
}

class T5LayerNorm extends RMSNorm {
  constructor({ width, epsilon }: T5Options) {
    super(width, epsilon);
  }
}

/** Attention whose scores are not scaled, with a bias that depends on the distance between two tokens; the first layer's is every layer's. */
class T5Attention extends Module {
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;
  readonly relative_attention_bias: Embedding | undefined;
  readonly #options: T5Options;

  constructor(options: T5Options, first: boolean) {
    super();
    const { width, heads, headSize, buckets } = options;
    this.q = new Linear(width, heads * headSize, { bias: false });
    this.k = new Linear(width, heads * headSize, { bias: false });
    this.v = new Linear(width, heads * headSize, { bias: false });
    this.o = new Linear(heads * headSize, width, { bias: false });
    this.relative_attention_bias = first ? new Embedding(buckets, heads) : undefined;
    this.#options = options;
  }

  /** `bias` [heads, tokens, tokens]. */
  forward(x: Value, bias: Value): Value {
    const scores = add(
      matMul(this.#heads(this.q.forward(x)), transpose(this.#heads(this.k.forward(x)), [0, 1, 3, 2])),
      bias,
    );
    const attended = transpose(matMul(softmax(scores), this.#heads(this.v.forward(x))), [0, 2, 1, 3]);
    const { heads, headSize } = this.#options;
    return this.o.forward(reshape(attended, [x.dim(0), x.dim(1), heads * headSize], [0, 0, heads * headSize]));
  }

  #heads(x: Value): Value {
    const { heads, headSize } = this.#options;
    return transpose(reshape(x, [x.dim(0), x.dim(1), heads, headSize], [0, 0, heads, headSize]), [0, 2, 1, 3]);
  }
}

class T5LayerSelfAttention extends Module {
  readonly SelfAttention: T5Attention;
  readonly layer_norm: T5LayerNorm;

  constructor(options: T5Options, first: boolean) {
    super();
    this.SelfAttention = new T5Attention(options, first);
    this.layer_norm = new T5LayerNorm(options);
  }

  forward(x: Value, bias: Value): Value {
    return add(x, this.SelfAttention.forward(this.layer_norm.forward(x), bias));
  }
}

class T5DenseGatedActDense extends Module {
  readonly wi_0: Linear;
  readonly wi_1: Linear;
  readonly wo: Linear;
  readonly #activation: (x: Value) => Value;

  constructor({ width, innerWidth, activation }: T5Options) {
    super();
    this.wi_0 = new Linear(width, innerWidth, { bias: false });
    this.wi_1 = new Linear(width, innerWidth, { bias: false });
    this.wo = new Linear(innerWidth, width, { bias: false });
    this.#activation = DENSE_ACTIVATIONS[activation];
  }

  forward(x: Value): Value {
    return this.wo.forward(mul(this.#activation(this.wi_0.forward(x)), this.wi_1.forward(x)));
  }
}

class T5DenseActDense extends Module {
  readonly wi: Linear;
  readonly wo: Linear;
  readonly #activation: (x: Value) => Value;

  constructor({ width, innerWidth, activation }: T5Options) {
    super();
    this.wi = new Linear(width, innerWidth, { bias: false });
    this.wo = new Linear(innerWidth, width, { bias: false });
    this.#activation = DENSE_ACTIVATIONS[activation];
  }

  forward(x: Value): Value {
    return this.wo.forward(this.#activation(this.wi.forward(x)));
  }
}

class T5LayerFF extends Module {
  readonly DenseReluDense: T5DenseGatedActDense | T5DenseActDense;
  readonly layer_norm: T5LayerNorm;

  constructor(options: T5Options) {
    super();
    this.DenseReluDense = options.gated ? new T5DenseGatedActDense(options) : new T5DenseActDense(options);
    this.layer_norm = new T5LayerNorm(options);
  }

  forward(x: Value): Value {
    return add(x, this.DenseReluDense.forward(this.layer_norm.forward(x)));
  }
}

class T5Block extends Module {
  readonly layer: readonly [T5LayerSelfAttention, T5LayerFF];

  constructor(options: T5Options, first: boolean) {
    super();
    this.layer = [new T5LayerSelfAttention(options, first), new T5LayerFF(options)];
  }

  forward(x: Value, bias: Value): Value {
    return this.layer[1].forward(this.layer[0].forward(x, bias));
  }
}

class T5Stack extends Module {
  readonly block: readonly T5Block[];
  readonly final_layer_norm: T5LayerNorm;

  constructor(options: T5Options) {
    super();
    this.block = Array.from({ length: options.layers }, (_, i) => new T5Block(options, i === 0));
    this.final_layer_norm = new T5LayerNorm(options);
  }
}

/**
 * T5's encoder (source: transformers models/t5/modeling_t5.py).
 *
 * `call({ input_ids })`, int64 [n, tokens] → `last_hidden_state` float32 [n, tokens, d_model]. All tokens are attended to, padding too, as
 * diffusers' pipelines do. With `inputs_embeds`, float32 [n, tokens, d_model], these are the tokens' vectors.
 *
 * `embed({ input_ids })` → `inputs_embeds`: the tokens' vectors.
 */
export class T5EncoderModel extends Model {
  static readonly componentName = 'text_encoder';
  readonly className = 'T5EncoderModel';
  readonly config: ModelConfig;
  readonly shared: Embedding;
  readonly encoder: T5Stack;
  readonly #options: T5Options;

  private constructor(config: ModelConfig, options: T5Options) {
    super();
    this.config = config;
    this.shared = new Embedding(options.vocabulary, options.width);
    this.encoder = new T5Stack(options);
    this.#options = options;
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<T5EncoderModel>> {
    return loadPretrained('T5EncoderModel', T5EncoderModel.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): T5EncoderModel {
    const reader = new ConfigReader('T5EncoderModel', config);
    const { gated, activation } = readFeedForward(reader);
    return new T5EncoderModel(config, {
      gated,
      activation,
      vocabulary: reader.size('vocab_size', 32128),
      width: reader.size('d_model', 512),
      headSize: reader.size('d_kv', 64),
      heads: reader.count('num_heads', 8),
      innerWidth: reader.size('d_ff', 2048),
      layers: reader.count('num_layers', 6),
      buckets: reader.size('relative_attention_num_buckets', 32),
      maxDistance: reader.size('relative_attention_max_distance', 128),
      epsilon: reader.number('layer_norm_epsilon', 1e-6),
    });
  }

  readonly entries: Readonly<Record<string, ModelEntry>> = {
    call: {
      inputs: {
        input_ids: { types: ['int64'], dims: ['batch', 'tokens'] },
        inputs_embeds: { types: ['float32'], dims: ['batch', 'tokens', 'features'], optional: true },
      },
      nominal: { tokens: NOMINAL_TOKENS },
      outputs: ['last_hidden_state'],
      forward: ({ input_ids, inputs_embeds }) => this.#forward(input_ids as Value, inputs_embeds),
    },
    embed: {
      inputs: { input_ids: { types: ['int64'], dims: ['batch', 'tokens'] } },
      nominal: { tokens: NOMINAL_TOKENS },
      outputs: ['inputs_embeds'],
      forward: ({ input_ids }) => ({ inputs_embeds: this.#embed(input_ids as Value) }),
    },
  };

  override keyAliases(key: string): readonly string[] {
    return key === 'shared.weight' ? ['encoder.embed_tokens.weight'] : [];
  }

  #embed(inputIds: Value): Value {
    return segment(this.shared.path, { ids: inputIds }, ({ ids }) => ({ x: this.shared.forward(ids) })).x;
  }

  #forward(inputIds: Value, inputsEmbeds: Value | undefined): Record<string, Value> {
    const { block, final_layer_norm: norm } = this.encoder;
    let x = inputsEmbeds ?? this.#embed(inputIds);
    const { bias } = this.#positionBias(inputIds);
    for (const layer of block)
      x = segment(layer.path, { x, bias }, (inner) => ({ x: layer.forward(inner.x, inner.bias) })).x;
    const { last } = segment(norm.path, { x }, (inner) => ({ last: norm.forward(inner.x) }));
    return { last_hidden_state: last };
  }

  /** The bias of every pair of tokens, [heads, tokens, tokens]. */
  #positionBias(inputIds: Value): { bias: Value } {
    const { relative_attention_bias: embedding } = (this.encoder.block[0] as T5Block).layer[0].SelfAttention;
    return segment((embedding as Embedding).path, { ids: inputIds }, ({ ids }) => {
      const length = ids.dim(1);
      const buckets = Array.from({ length: length * length }, (_, i) =>
        this.#bucket((i % length) - Math.floor(i / length)),
      );
      return {
        bias: transpose(
          (embedding as Embedding).forward(builderOf(ids).constant('int64', [length, length], buckets)),
          [2, 0, 1],
        ),
      };
    });
  }

  /** Which bucket a distance falls into: exact for near tokens, wider and wider ones for far ones; one half of them for each direction. */
  #bucket(distance: number): number {
    const half = Math.floor(this.#options.buckets / 2);
    const exact = Math.floor(half / 2);
    const away = Math.abs(distance);
    const share = Math.fround(Math.log(away / exact)) / Math.log(this.#options.maxDistance / exact);
    const bucket = away < exact ? away : Math.min(half - 1, exact + Math.floor(Math.fround(share) * (half - exact)));
    return distance > 0 ? half + bucket : bucket;
  }
}

/** `feed_forward_proj`, such as 'relu' or 'gated-gelu'; the name 'gated-gelu' has always meant the tanh form. */
function readFeedForward(reader: ConfigReader): Pick<T5Options, 'gated' | 'activation'> {
  const names = Object.keys(DENSE_ACTIVATIONS) as (keyof typeof DENSE_ACTIVATIONS)[];
  const projection = reader.oneOf(
    'feed_forward_proj',
    [...names, ...names.map((name) => `gated-${name}` as const)],
    'relu',
  );
  if (projection === 'gated-gelu') return { gated: true, activation: 'gelu_new' };
  return {
    gated: projection.startsWith('gated-'),
    activation: projection.replace('gated-', '') as keyof typeof DENSE_ACTIVATIONS,
  };
}
