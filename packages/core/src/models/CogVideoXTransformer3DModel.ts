import { Module } from '../graph/Module.js';
import { attention } from '../graph/nn/attention.js';
import { Conv2d } from '../graph/nn/Conv2d.js';
import { LayerNorm } from '../graph/nn/LayerNorm.js';
import { Linear } from '../graph/nn/Linear.js';
import { rotaryEmbedding } from '../graph/nn/rotaryEmbedding.js';
import { add, builderOf, concat, geluTanh, mul, reshape, silu, split, transpose } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ACTIVATION_NAMES, type ActivationName } from './blocks/activation.js';
import { rotaryPositions } from './blocks/rotaryPositions.js';
import { addSincosPositions, type PatchGrid } from './blocks/sincosPositions.js';
import { TimestepEmbedding, timestepFrequencies } from './blocks/TimestepEmbedding.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

const QK_NORM_EPSILON = 1e-6;

interface CogVideoXOptions {
  readonly heads: number;
  readonly headSize: number;
  /** heads · headSize. */
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly timeWidth: number;
  readonly textWidth: number;
  readonly layers: number;
  readonly attentionBias: boolean;
  readonly patch: number;
  readonly epsilon: number;
  readonly flipSinToCos: boolean;
  readonly frequencyShift: number;
  readonly timestepActivation: ActivationName;
  readonly rotary: boolean;
  readonly spatialScale: number;
  readonly temporalScale: number;
  /** Tokens of a prompt that the model was trained with. */
  readonly tokens: number;
  /** Latents the model was trained with. */
  readonly sampleHeight: number;
  readonly sampleWidth: number;
}

/** The two streams of tokens: of the video [n, patches, width], and of the text [n, tokens, width]. */
interface Streams {
  readonly hidden: Value;
  readonly text: Value;
}

/** Cosines and sines of all tokens, [tokens, headSize / 2]. */
interface Rotation {
  readonly cosines: Value;
  readonly sines: Value;
}

class CogVideoXPatchEmbed extends Module {
  readonly proj: Conv2d;
  readonly text_proj: Linear;
  readonly #options: CogVideoXOptions;

  constructor(options: CogVideoXOptions) {
    super();
    this.proj = new Conv2d(options.inChannels, options.width, options.patch, { stride: options.patch });
    this.text_proj = new Linear(options.textWidth, options.width);
    this.#options = options;
  }

  /** [n, frames, c, h, w] → [n, patches, width]. */
  forwardVideo(x: Value): Value {
    const [n, frames, channels, height, width] = x.dims as readonly [number, number, number, number, number];
    const { width: features, rotary, spatialScale, temporalScale } = this.#options;
    const grid = gridOf(x, this.#options);
    const patches = this.proj.forward(reshape(x, [n * frames, channels, height, width], [-1, channels, height, width]));
    const rows = reshape(
      patches,
      [n, frames, features, grid.height * grid.width],
      [-1, frames, features, grid.height * grid.width],
    );
    const tokens = reshape(
      transpose(rows, [0, 1, 3, 2]),
      [n, frames * grid.height * grid.width, features],
      [0, -1, features],
    );
    return rotary ? tokens : addSincosPositions(tokens, grid, { spatial: spatialScale, temporal: temporalScale });
  }
}

/** A layer norm of both streams, with scale, shift and gate out of the time embedding (source: diffusers models/normalization.py). */
class CogVideoXLayerNormZero extends Module {
  readonly linear: Linear;
  readonly norm: LayerNorm;
  readonly #width: number;

  constructor({ timeWidth, width, epsilon }: CogVideoXOptions) {
    super();
    this.linear = new Linear(timeWidth, 6 * width);
    this.norm = new LayerNorm(width, epsilon);
    this.#width = width;
  }

  forward({ hidden, text }: Streams, temb: Value): { readonly normal: Streams; readonly gates: Streams } {
    const activated = silu(temb);
    const part = (index: number): Value => modulation(this.linear, activated, index, this.#width);
    return {
      normal: {
        hidden: modulate(this.norm.forward(hidden), part(1), part(0)),
        text: modulate(this.norm.forward(text), part(4), part(3)),
      },
      gates: { hidden: part(2), text: part(5) },
    };
  }
}

class CogVideoXAttention extends Module {
  readonly norm_q: LayerNorm;
  readonly norm_k: LayerNorm;
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly to_out: readonly [Linear];
  readonly #options: CogVideoXOptions;

  constructor(options: CogVideoXOptions) {
    super();
    const { width, headSize, attentionBias: bias } = options;
    this.norm_q = new LayerNorm(headSize, QK_NORM_EPSILON);
    this.norm_k = new LayerNorm(headSize, QK_NORM_EPSILON);
    this.to_q = new Linear(width, width, { bias });
    this.to_k = new Linear(width, width, { bias });
    this.to_v = new Linear(width, width, { bias });
    this.to_out = [new Linear(width, width)];
    this.#options = options;
  }

  override get pythonClass(): string {
    return 'Attention';
  }

  /** Joint attention: the text's tokens first, then the video's. */
  forward({ hidden, text }: Streams, rotation: Rotation | undefined): Streams {
    const joint = concat([text, hidden], 1);
    const query = this.#turn(this.#normalize(this.to_q.forward(joint), this.norm_q), rotation);
    const key = this.#turn(this.#normalize(this.to_k.forward(joint), this.norm_k), rotation);
    const attended = attention(query, key, this.to_v.forward(joint), { heads: this.#options.heads });
    return splitStreams(this.to_out[0].forward(attended), text.dim(1));
  }

  /** Layer norm of each head. */
  #normalize(x: Value, norm: LayerNorm): Value {
    const { heads, headSize, width } = this.#options;
    const [n, tokens] = [x.dim(0), x.dim(1)];
    return reshape(
      norm.forward(reshape(x, [n, tokens, heads, headSize], [0, 0, heads, headSize])),
      [n, tokens, width],
      [0, 0, width],
    );
  }

  #turn(x: Value, rotation: Rotation | undefined): Value {
    return rotation === undefined ? x : rotaryEmbedding(x, rotation.cosines, rotation.sines, this.#options.heads);
  }
}

class GELU extends Module {
  readonly proj: Linear;

  constructor(inWidth: number, outWidth: number) {
    super();
    this.proj = new Linear(inWidth, outWidth);
  }

  forward(x: Value): Value {
    return geluTanh(this.proj.forward(x));
  }
}

/** Index 1 is dropout in Python. */
class FeedForward extends Module {
  readonly net: readonly [GELU, null, Linear];

  constructor(width: number) {
    super();
    this.net = [new GELU(width, 4 * width), null, new Linear(4 * width, width)];
  }

  forward(x: Value): Value {
    return this.net[2].forward(this.net[0].forward(x));
  }
}

class CogVideoXBlock extends Module {
  readonly norm1: CogVideoXLayerNormZero;
  readonly attn1: CogVideoXAttention;
  readonly norm2: CogVideoXLayerNormZero;
  readonly ff: FeedForward;

  constructor(options: CogVideoXOptions) {
    super();
    this.norm1 = new CogVideoXLayerNormZero(options);
    this.attn1 = new CogVideoXAttention(options);
    this.norm2 = new CogVideoXLayerNormZero(options);
    this.ff = new FeedForward(options.width);
  }

  forward(streams: Streams, temb: Value, rotation: Rotation | undefined): Streams {
    const before = this.norm1.forward(streams, temb);
    const attended = addGated(streams, this.attn1.forward(before.normal, rotation), before.gates);
    const after = this.norm2.forward(attended, temb);
    const joint = this.ff.forward(concat([after.normal.text, after.normal.hidden], 1));
    return addGated(attended, splitStreams(joint, streams.text.dim(1)), after.gates);
  }
}

/** A layer norm with scale and shift out of the time embedding (source: diffusers models/normalization.py). */
class AdaLayerNorm extends Module {
  readonly linear: Linear;
  readonly norm: LayerNorm;
  readonly #width: number;

  constructor({ timeWidth, width, epsilon }: CogVideoXOptions) {
    super();
    this.linear = new Linear(timeWidth, 2 * width);
    this.norm = new LayerNorm(width, epsilon);
    this.#width = width;
  }

  forward(x: Value, temb: Value): Value {
    const activated = silu(temb);
    return modulate(
      this.norm.forward(x),
      modulation(this.linear, activated, 1, this.#width),
      modulation(this.linear, activated, 0, this.#width),
    );
  }
}

/**
 * The transformer of CogVideoX, with sinusoidal (2b) or rotary (5b) positions (source: diffusers
 * models/transformers/cogvideox_transformer_3d.py).
 *
 * `call({ hidden_states, encoder_hidden_states, timestep })`: latents float32 [n, frames, c, h, w] with h and w multiples of `patch_size`, text
 * embeddings float32 [n, tokens, text_embed_dim], timestep int64 or float32 [n] or [1] → `sample` [n, frames, out channels, h, w]. Rotary positions
 * are worked out from the sizes, as diffusers' pipeline does.
 */
export class CogVideoXTransformer3DModel extends Model {
  static readonly componentName = 'transformer';
  readonly className = 'CogVideoXTransformer3DModel';
  override readonly skipLayerwiseCastingPatterns = ['patch_embed', 'norm'];
  readonly config: ModelConfig;
  readonly patch_embed: CogVideoXPatchEmbed;
  readonly time_embedding: TimestepEmbedding;
  readonly transformer_blocks: readonly CogVideoXBlock[];
  readonly norm_final: LayerNorm;
  readonly norm_out: AdaLayerNorm;
  readonly proj_out: Linear;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: CogVideoXOptions;

  private constructor(config: ModelConfig, options: CogVideoXOptions) {
    super();
    const { width, timeWidth, timestepActivation: activation, patch, outChannels, inChannels, textWidth } = options;
    this.config = config;
    this.patch_embed = new CogVideoXPatchEmbed(options);
    this.time_embedding = new TimestepEmbedding(width, timeWidth, { activation });
    this.transformer_blocks = Array.from({ length: options.layers }, () => new CogVideoXBlock(options));
    this.norm_final = new LayerNorm(width, options.epsilon);
    this.norm_out = new AdaLayerNorm(options);
    this.proj_out = new Linear(width, patch * patch * outChannels);
    this.#options = options;
    this.entries = {
      call: {
        inputs: {
          hidden_states: {
            types: ['float32'],
            dims: ['batch', 'latentFrames', inChannels, 'latentHeight', 'latentWidth'],
          },
          encoder_hidden_states: { types: ['float32'], dims: ['batch', 'tokens', textWidth] },
          timestep: { types: ['int64', 'float32'], dims: ['batch'] },
        },
        nominal: {
          latentHeight: options.sampleHeight,
          latentWidth: options.sampleWidth,
          tokens: options.tokens,
        },
        outputs: ['sample'],
        forward: (inputs) => this.#forward(inputs),
      },
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<CogVideoXTransformer3DModel>> {
    return loadPretrained('CogVideoXTransformer3DModel', CogVideoXTransformer3DModel.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): CogVideoXTransformer3DModel {
    const reader = new ConfigReader('CogVideoXTransformer3DModel', config);
    for (const field of ['patch_size_t', 'ofs_embed_dim', 'use_learned_positional_embeddings'])
      reader.only(field, false);
    for (const field of ['patch_bias', 'norm_elementwise_affine']) reader.only(field, true);
    reader.only('activation_fn', 'gelu-approximate');
    const [heads, headSize] = [reader.size('num_attention_heads', 30), reader.size('attention_head_dim', 64)];
    const rotary = reader.flag('use_rotary_positional_embeddings', false);
    if (headSize % 8 !== 0) reader.unsupported('attention_head_dim', headSize, 'a multiple of 8');
    const inChannels = reader.size('in_channels', 16);
    return new CogVideoXTransformer3DModel(config, {
      heads,
      headSize,
      rotary,
      inChannels,
      width: heads * headSize,
      outChannels: reader.size('out_channels', inChannels),
      timeWidth: reader.size('time_embed_dim', 512),
      textWidth: reader.size('text_embed_dim', 4096),
      layers: reader.size('num_layers', 30),
      attentionBias: reader.flag('attention_bias', true),
      patch: reader.size('patch_size', 2),
      epsilon: reader.number('norm_eps', 1e-5),
      flipSinToCos: reader.flag('flip_sin_to_cos', true),
      frequencyShift: reader.number('freq_shift', 0),
      timestepActivation: reader.oneOf('timestep_activation_fn', ACTIVATION_NAMES, 'silu'),
      spatialScale: reader.number('spatial_interpolation_scale', 1.875),
      temporalScale: reader.number('temporal_interpolation_scale', 1),
      tokens: reader.size('max_text_seq_length', 226),
      sampleHeight: reader.size('sample_height', 60),
      sampleWidth: reader.size('sample_width', 90),
    });
  }

  #forward({
    hidden_states: latents,
    encoder_hidden_states: context,
    timestep,
  }: Readonly<Record<string, Value>>): Record<string, Value> {
    const temb = this.#embedTime(timestep as Value);
    const rotation = this.#options.rotary ? this.#rotation(latents as Value, context as Value) : undefined;
    let { hidden, text } = segment(
      this.patch_embed.path,
      { latents: latents as Value, context: context as Value },
      (inner) => ({
        hidden: this.patch_embed.forwardVideo(inner.latents),
        text: this.patch_embed.text_proj.forward(inner.context),
      }),
    );
    for (const block of this.transformer_blocks) {
      ({ hidden, text } = segment(
        block.path,
        { hidden, text, temb, ...rotation },
        ({ hidden: h, text: t, temb: e, cosines, sines }) => ({
          ...block.forward(
            { hidden: h, text: t },
            e,
            cosines === undefined ? undefined : { cosines, sines: sines as Value },
          ),
        }),
      ));
    }
    const { x } = segment(this.norm_out.path, { hidden, temb }, (inner) => ({
      x: this.norm_out.forward(this.norm_final.forward(inner.hidden), inner.temb),
    }));
    const grid = gridOf(latents as Value, this.#options);
    return segment(this.proj_out.path, { x }, (inner) => ({
      sample: this.#unpatchify(this.proj_out.forward(inner.x), grid),
    }));
  }

  #embedTime(timestep: Value): Value {
    const { width: channels, flipSinToCos, frequencyShift } = this.#options;
    return segment(this.time_embedding.path, { timestep }, (inner) => ({
      temb: this.time_embedding.forward(
        timestepFrequencies(inner.timestep, { channels, flipSinToCos, frequencyShift }),
      ),
    })).temb;
  }

  /** Tables for all tokens; the text's are not turned. */
  #rotation(latents: Value, context: Value): Rotation {
    const { headSize, patch, sampleHeight, sampleWidth } = this.#options;
    const trained = { height: Math.floor(sampleHeight / patch), width: Math.floor(sampleWidth / patch) };
    return segment('rotary_emb', { latents, context }, (inner) => {
      const builder = builderOf(inner.latents);
      const { cosines, sines } = rotaryPositions(headSize, gridOf(inner.latents, this.#options), trained);
      const ofText = inner.context.dim(1) * (headSize / 2);
      const still = (value: number): number[] => Array.from({ length: ofText }, () => value);
      const table = (data: readonly number[]): Value =>
        builder.constant('float32', [data.length / (headSize / 2), headSize / 2], data);
      return { cosines: table([...still(1), ...cosines]), sines: table([...still(0), ...sines]) };
    });
  }

  /** [n, patches, out · patch²] → [n, frames, out, h, w]. */
  #unpatchify(x: Value, { frames, height, width }: PatchGrid): Value {
    const { patch: p, outChannels: c } = this.#options;
    const n = x.dim(0);
    const pieces = reshape(x, [n, frames, height, width, c, p, p], [0, frames, height, width, c, p, p]);
    return reshape(
      transpose(pieces, [0, 1, 4, 2, 5, 3, 6]),
      [n, frames, c, height * p, width * p],
      [0, frames, c, height * p, width * p],
    );
  }
}

function gridOf(latents: Value, { patch }: CogVideoXOptions): PatchGrid {
  return {
    frames: latents.dim(1),
    height: Math.floor(latents.dim(3) / patch),
    width: Math.floor(latents.dim(4) / patch),
  };
}

/** Part `index` of what `linear` makes of the activated time embedding, [n or 1, 1, width]. */
function modulation(linear: Linear, activated: Value, index: number, width: number): Value {
  return reshape(linear.forwardRows(activated, index * width, width), [activated.dim(0), 1, width], [0, 1, width]);
}

/** x · (1 + scale) + shift. */
function modulate(x: Value, scaleBy: Value, shift: Value): Value {
  return add(mul(x, add(scaleBy, builderOf(x).constant('float32', [], [1]))), shift);
}

function addGated(streams: Streams, change: Streams, gates: Streams): Streams {
  return {
    hidden: add(streams.hidden, mul(gates.hidden, change.hidden)),
    text: add(streams.text, mul(gates.text, change.text)),
  };
}

/** The text's tokens lie before the video's. */
function splitStreams(joint: Value, textTokens: number): Streams {
  const [text, hidden] = split(joint, [textTokens, joint.dim(1) - textTokens], 1) as [Value, Value];
  return { hidden, text };
}
