import { Module } from '../graph/Module.js';
import { attention } from '../graph/nn/attention.js';
import { Embedding } from '../graph/nn/Embedding.js';
import { Linear } from '../graph/nn/Linear.js';
import { RMSNorm } from '../graph/nn/RMSNorm.js';
import { rotaryEmbedding } from '../graph/nn/rotaryEmbedding.js';
import { add, builderOf, cast, gather, mul, reshape, scale, silu } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { readRotaryBase } from './blocks/readRotaryBase.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

/** Qwen3 reads 40,960 tokens; pipelines cut prompts at this many. */
const NOMINAL_TOKENS = 512;

/** What hides a token: so low that nothing is left of it after a softmax, and twice that is still a float32. */
const HIDDEN = -1e38;

interface Qwen3Options {
  readonly vocabulary: number;
  readonly width: number;
  readonly innerWidth: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headSize: number;
  readonly epsilon: number;
  readonly rotaryBase: number;
  readonly bias: boolean;
}

/** What all layers are given beside the tokens: cosines and sines of each position, and what is added to the scores of each pair of tokens. */
interface Surroundings {
  readonly cosines: Value;
  readonly sines: Value;
  readonly mask: Value;
}

/** Attention with fewer heads for keys and values than for queries: each of them serves several (arXiv 2305.13245). */
class Qwen3Attention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  readonly q_norm: RMSNorm;
  readonly k_norm: RMSNorm;
  readonly #options: Qwen3Options;

  constructor(options: Qwen3Options) {
    super();
    const { width, heads, keyHeads, headSize, epsilon, bias } = options;
    this.q_proj = new Linear(width, heads * headSize, { bias });
    this.k_proj = new Linear(width, keyHeads * headSize, { bias });
    this.v_proj = new Linear(width, keyHeads * headSize, { bias });
    this.o_proj = new Linear(heads * headSize, width, { bias });
    this.q_norm = new RMSNorm(headSize, epsilon);
    this.k_norm = new RMSNorm(headSize, epsilon);
    this.#options = options;
  }

  forward(x: Value, surroundings: Surroundings): Value {
    const { heads, keyHeads } = this.#options;
    const query = this.#turn(this.q_proj.forward(x), this.q_norm, heads, surroundings);
    const key = this.#turn(this.k_proj.forward(x), this.k_norm, keyHeads, surroundings);
    const [keys, values] = [key, this.v_proj.forward(x)].map((value) => this.#repeat(value)) as [Value, Value];
    return this.o_proj.forward(attention(query, keys, values, { heads, mask: surroundings.mask }));
  }

  /** Norm of each head, then the rotation. */
  #turn(x: Value, norm: RMSNorm, heads: number, { cosines, sines }: Surroundings): Value {
    const normal = this.#flat(norm.forward(this.#byHead(x, heads)));
    return rotaryEmbedding(normal, cosines, sines, { heads, interleaved: false });
  }

  /** Each head of keys or values once for every query head that it serves. */
  #repeat(x: Value): Value {
    const { heads, keyHeads } = this.#options;
    if (heads === keyHeads) return x;
    const served = Array.from({ length: heads }, (_, head) => Math.floor((head * keyHeads) / heads));
    return this.#flat(gather(this.#byHead(x, keyHeads), 2, served));
  }

  #byHead(x: Value, heads: number): Value {
    const { headSize } = this.#options;
    return reshape(x, [x.dim(0), x.dim(1), heads, headSize], [0, 0, heads, headSize]);
  }

  #flat(x: Value): Value {
    const width = x.dim(2) * x.dim(3);
    return reshape(x, [x.dim(0), x.dim(1), width], [0, 0, width]);
  }
}

class Qwen3MLP extends Module {
  readonly gate_proj: Linear;
  readonly up_proj: Linear;
  readonly down_proj: Linear;

  constructor({ width, innerWidth }: Qwen3Options) {
    super();
    this.gate_proj = new Linear(width, innerWidth, { bias: false });
    this.up_proj = new Linear(width, innerWidth, { bias: false });
    this.down_proj = new Linear(innerWidth, width, { bias: false });
  }

  forward(x: Value): Value {
    return this.down_proj.forward(mul(silu(this.gate_proj.forward(x)), this.up_proj.forward(x)));
  }
}

class Qwen3DecoderLayer extends Module {
  readonly self_attn: Qwen3Attention;
  readonly mlp: Qwen3MLP;
  readonly input_layernorm: RMSNorm;
  readonly post_attention_layernorm: RMSNorm;

  constructor(options: Qwen3Options) {
    super();
    this.self_attn = new Qwen3Attention(options);
    this.mlp = new Qwen3MLP(options);
    this.input_layernorm = new RMSNorm(options.width, options.epsilon);
    this.post_attention_layernorm = new RMSNorm(options.width, options.epsilon);
  }

  forward(x: Value, surroundings: Surroundings): Value {
    const attended = add(x, this.self_attn.forward(this.input_layernorm.forward(x), surroundings));
    return add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended)));
  }
}

class Qwen3Decoder extends Module {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Qwen3DecoderLayer[];
  readonly norm: RMSNorm;

  constructor(options: Qwen3Options) {
    super();
    this.embed_tokens = new Embedding(options.vocabulary, options.width);
    this.layers = Array.from({ length: options.layers }, () => new Qwen3DecoderLayer(options));
    this.norm = new RMSNorm(options.width, options.epsilon);
  }
}

const PREFIX = 'model.';

/**
 * Qwen3 without its head, as a text encoder (source: transformers models/qwen3/modeling_qwen3.py).
 *
 * - `call({ input_ids, attention_mask? })`, int64 [n, tokens] each → `last_hidden_state` float32 [n, tokens, hidden_size]; on request `hidden_states.0` (the embedding) to
 *   `hidden_states.L`, of which only the last is after the final norm. Only the layers below what is asked for run. A token sees itself and those before it; where the mask
 *   is 0, it is seen by none. With `inputs_embeds`, float32 [n, tokens, hidden_size], these are the tokens' vectors.
 * - `embed({ input_ids })` → `inputs_embeds`: the tokens' vectors; of the table only their rows are read.
 */
export class Qwen3Model extends Model {
  static readonly componentName = 'text_encoder';
  readonly className = 'Qwen3Model';
  readonly config: ModelConfig;
  readonly model: Qwen3Decoder;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: Qwen3Options;

  private constructor(config: ModelConfig, options: Qwen3Options) {
    super();
    this.config = config;
    this.model = new Qwen3Decoder(options);
    this.#options = options;
    const ids = { types: ['int64'], dims: ['batch', 'tokens'] } as const;
    this.entries = {
      call: {
        inputs: {
          input_ids: ids,
          attention_mask: { ...ids, optional: true },
          inputs_embeds: { types: ['float32'], dims: ['batch', 'tokens', options.width], optional: true },
        },
        nominal: { tokens: NOMINAL_TOKENS },
        outputs: ['last_hidden_state'],
        forward: (inputs) => this.#forward(inputs),
      },
      embed: {
        inputs: { input_ids: ids },
        nominal: { tokens: NOMINAL_TOKENS },
        outputs: ['inputs_embeds'],
        forward: ({ input_ids }) => ({ inputs_embeds: this.#embed(input_ids as Value) }),
      },
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<Qwen3Model>> {
    return loadPretrained(['Qwen3Model', 'Qwen3ForCausalLM'], Qwen3Model.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): Qwen3Model {
    const reader = new ConfigReader('Qwen3Model', config);
    reader.only('hidden_act', 'silu');
    reader.only('use_sliding_window', false);
    const [heads, keyHeads] = [reader.count('num_attention_heads', 32), reader.count('num_key_value_heads', 32)];
    if (heads % keyHeads !== 0) reader.unsupported('num_key_value_heads', keyHeads, `a divisor of ${heads}, the heads`);
    const headSize = reader.size('head_dim', 128);
    if (headSize % 2 !== 0) reader.unsupported('head_dim', headSize, 'an even number');
    return new Qwen3Model(config, {
      heads,
      keyHeads,
      headSize,
      vocabulary: reader.size('vocab_size', 151936),
      width: reader.size('hidden_size', 4096),
      innerWidth: reader.size('intermediate_size', 22016),
      layers: reader.count('num_hidden_layers', 32),
      epsilon: reader.number('rms_norm_eps', 1e-6),
      rotaryBase: readRotaryBase(reader, config),
      bias: reader.flag('attention_bias', false),
    });
  }

  override keyAliases(key: string): readonly string[] {
    return [key.slice(PREFIX.length)];
  }

  #embed(inputIds: Value): Value {
    const { embed_tokens: embedding } = this.model;
    return segment(embedding.path, { ids: inputIds }, ({ ids }) => ({ x: embedding.forward(ids) })).x;
  }

  #forward({
    input_ids: inputIds,
    attention_mask: attentionMask,
    inputs_embeds: inputsEmbeds,
  }: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
    const { layers, norm } = this.model;
    const { cosines, sines } = this.#rotation(inputIds as Value);
    const { mask } = segment('causal_mask', { ids: inputIds as Value, attentionMask }, (inner) => ({
      mask: causalMask(inner.ids, inner.attentionMask),
    }));
    let x = inputsEmbeds ?? this.#embed(inputIds as Value);
    const hidden: Record<string, Value> = {};
    for (const [i, layer] of layers.entries()) {
      hidden[`hidden_states.${i}`] = x;
      x = segment(layer.path, { x, cosines, sines, mask }, ({ x: inner, ...surroundings }) => ({
        x: layer.forward(inner, surroundings),
      })).x;
    }
    const { last } = segment(norm.path, { x }, (inner) => ({ last: norm.forward(inner.x) }));
    return { last_hidden_state: last, ...hidden, [`hidden_states.${layers.length}`]: last };
  }

  /** Positions count from the first token, padding or not: only their differences matter. In float32, as torch's. */
  #rotation(inputIds: Value): Pick<Surroundings, 'cosines' | 'sines'> {
    const { headSize, rotaryBase } = this.#options;
    return segment(`${PREFIX}rotary_emb`, { ids: inputIds }, ({ ids }) => {
      const half = headSize / 2;
      const frequencies = Array.from({ length: half }, (_, i) =>
        Math.fround(1 / Math.fround(rotaryBase ** Math.fround((2 * i) / headSize))),
      );
      const angles = Array.from({ length: ids.dim(1) * half }, (_, i) =>
        Math.fround(Math.floor(i / half) * (frequencies[i % half] as number)),
      );
      const table = (of: (angle: number) => number): Value =>
        builderOf(ids).constant('float32', [ids.dim(1), half], angles.map(of));
      return { cosines: table(Math.cos), sines: table(Math.sin) };
    });
  }
}

/** What is added to the scores of each pair of tokens, [1 or n, 1, tokens, tokens]: {@link HIDDEN} for tokens that come later, and for padding. */
function causalMask(ids: Value, attentionMask: Value | undefined): Value {
  const builder = builderOf(ids);
  const tokens = ids.dim(1);
  const all = builder.emit(
    'Expand',
    [builder.constant('float32', [], [HIDDEN]), builder.constant('int64', [4], [1, 1, tokens, tokens])],
    { dims: [1, 1, tokens, tokens] },
  );
  const later = builder.emit('Trilu', [all, builder.constant('int64', [], [1])], { dims: all.dims });
  if (attentionMask === undefined) return later;
  const hides = scale(add(cast(attentionMask, 'float32'), builder.constant('float32', [], [-1])), -HIDDEN);
  return add(later, reshape(hides, [ids.dim(0), 1, 1, tokens], [-1, 1, 1, tokens]));
}
