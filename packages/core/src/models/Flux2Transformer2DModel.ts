import { Module } from '../graph/Module.js';
import { Linear } from '../graph/nn/Linear.js';
import { concat, reshape, scale, silu, slice } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { AdaLayerNormContinuous } from './blocks/AdaLayerNorms.js';
import {
  Flux2Modulation,
  type Flux2Options,
  Flux2SingleTransformerBlock,
  Flux2TransformerBlock,
  type Modulation,
} from './blocks/Flux2TransformerBlocks.js';
import type { Rotation } from './blocks/rotaryAxes.js';
import { rotationOfIds } from './blocks/rotationOfIds.js';
import { timestepFrequencies } from './blocks/TimestepEmbedding.js';
import { readRotaryAxes } from './blocks/readRotaryAxes.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

/** Tokens of a picture of 1024 pixels a side, and of a prompt. */
const NOMINAL = { tokens: 4096, textTokens: 512 };

class TimestepEmbedder extends Module {
  readonly linear_1: Linear;
  readonly linear_2: Linear;

  constructor(channels: number, width: number) {
    super();
    this.linear_1 = new Linear(channels, width, { bias: false });
    this.linear_2 = new Linear(width, width, { bias: false });
  }

  forward(frequencies: Value): Value {
    return this.linear_2.forward(silu(this.linear_1.forward(frequencies)));
  }
}

class TimestepGuidanceEmbeddings extends Module {
  readonly timestep_embedder: TimestepEmbedder;
  readonly #channels: number;

  constructor({ timeChannels, width }: Flux2Options) {
    super();
    this.timestep_embedder = new TimestepEmbedder(timeChannels, width);
    this.#channels = timeChannels;
  }

  /** `timestep` is in [0, 1]. */
  forward(timestep: Value): Value {
    const projection = { channels: this.#channels, flipSinToCos: true, frequencyShift: 0 };
    return this.timestep_embedder.forward(timestepFrequencies(scale(timestep, 1000), projection));
  }
}

/**
 * The transformer of FLUX.2 klein (source: diffusers models/transformers/transformer_flux2.py).
 *
 * `call({ hidden_states, encoder_hidden_states, timestep, img_ids, txt_ids })`: tokens of latents float32 [n, tokens, in_channels], of pictures to look at behind them, text embeddings float32
 * [n, text tokens, joint_attention_dim], timestep / 1000 as float32 [n] or [1], and the positions (t, h, w, l) of both kinds of tokens, int64 [n or 1, tokens, 4], of which the first
 * sample's count for all → `sample` [n, tokens, out channels].
 */
export class Flux2Transformer2DModel extends Model {
  static readonly componentName = 'transformer';
  readonly className = 'Flux2Transformer2DModel';
  override readonly skipLayerwiseCastingPatterns = ['pos_embed', 'norm'];
  readonly config: ModelConfig;
  readonly time_guidance_embed: TimestepGuidanceEmbeddings;
  readonly double_stream_modulation_img: Flux2Modulation;
  readonly double_stream_modulation_txt: Flux2Modulation;
  readonly single_stream_modulation: Flux2Modulation;
  readonly x_embedder: Linear;
  readonly context_embedder: Linear;
  readonly transformer_blocks: readonly Flux2TransformerBlock[];
  readonly single_transformer_blocks: readonly Flux2SingleTransformerBlock[];
  readonly norm_out: AdaLayerNormContinuous;
  readonly proj_out: Linear;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: Flux2Options;

  private constructor(config: ModelConfig, options: Flux2Options) {
    super();
    const { width, inChannels, outChannels, textWidth, axes } = options;
    this.config = config;
    this.time_guidance_embed = new TimestepGuidanceEmbeddings(options);
    this.double_stream_modulation_img = new Flux2Modulation(options, 2);
    this.double_stream_modulation_txt = new Flux2Modulation(options, 2);
    this.single_stream_modulation = new Flux2Modulation(options, 1);
    this.x_embedder = new Linear(inChannels, width, { bias: false });
    this.context_embedder = new Linear(textWidth, width, { bias: false });
    this.transformer_blocks = Array.from({ length: options.layers }, () => new Flux2TransformerBlock(options));
    this.single_transformer_blocks = Array.from(
      { length: options.singleLayers },
      () => new Flux2SingleTransformerBlock(options),
    );
    this.norm_out = new AdaLayerNormContinuous({ ...options, bias: false });
    this.proj_out = new Linear(width, outChannels, { bias: false });
    this.#options = options;
    this.entries = {
      call: {
        inputs: {
          hidden_states: { types: ['float32'], dims: ['batch', 'tokens', inChannels] },
          encoder_hidden_states: { types: ['float32'], dims: ['batch', 'textTokens', textWidth] },
          timestep: { types: ['float32'], dims: ['batch'] },
          img_ids: { types: ['int64'], dims: ['batch', 'tokens', axes.length] },
          txt_ids: { types: ['int64'], dims: ['batch', 'textTokens', axes.length] },
        },
        nominal: NOMINAL,
        outputs: ['sample'],
        forward: (inputs) => this.#forward(inputs),
      },
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<Flux2Transformer2DModel>> {
    return loadPretrained('Flux2Transformer2DModel', Flux2Transformer2DModel.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): Flux2Transformer2DModel {
    const reader = new ConfigReader('Flux2Transformer2DModel', config);
    reader.only('patch_size', 1);
    // FLUX.2 dev takes the guidance scale as a condition.
    if (reader.flag('guidance_embeds', true)) reader.unsupported('guidance_embeds', true, 'false, as klein has it');
    const [heads, headSize] = [reader.count('num_attention_heads', 48), reader.size('attention_head_dim', 128)];
    const axes = readRotaryAxes(reader, headSize, [32, 32, 32, 32]);
    const [width, inChannels] = [heads * headSize, reader.size('in_channels', 128)];
    return new Flux2Transformer2DModel(config, {
      heads,
      headSize,
      width,
      inChannels,
      axes,
      innerWidth: Math.trunc(width * reader.number('mlp_ratio', 3)),
      outChannels: reader.size('out_channels', inChannels),
      textWidth: reader.size('joint_attention_dim', 15360),
      layers: reader.count('num_layers', 8),
      singleLayers: reader.count('num_single_layers', 48),
      timeChannels: reader.size('timestep_guidance_channels', 256),
      epsilon: reader.number('eps', 1e-6),
      rotaryBase: reader.number('rope_theta', 2000),
    });
  }

  #forward(inputs: Readonly<Record<string, Value>>): Record<string, Value> {
    const {
      hidden_states: latents,
      encoder_hidden_states: context,
      timestep,
      img_ids,
      txt_ids,
    } = inputs as Record<'hidden_states' | 'encoder_hidden_states' | 'timestep' | 'img_ids' | 'txt_ids', Value>;
    const { temb } = segment(this.time_guidance_embed.path, { timestep }, (inner) => ({
      temb: this.time_guidance_embed.forward(inner.timestep),
    }));
    const [image, text, single] = [
      this.double_stream_modulation_img,
      this.double_stream_modulation_txt,
      this.single_stream_modulation,
    ].map((each) => segment(each.path, { temb }, (inner) => ({ x: each.forward(inner.temb) })).x) as [
      Value,
      Value,
      Value,
    ];
    const { cosines, sines } = this.#rotation(txt_ids, img_ids);
    let streams = {
      hidden: segment(this.x_embedder.path, { latents }, (inner) => ({ x: this.x_embedder.forward(inner.latents) })).x,
      text: segment(this.context_embedder.path, { context }, (inner) => ({
        x: this.context_embedder.forward(inner.context),
      })).x,
    };
    for (const block of this.transformer_blocks)
      streams = segment(block.path, { ...streams, image, context: text, cosines, sines }, (inner) => ({
        ...block.forward(
          inner,
          this.double_stream_modulation_img.parts(inner.image),
          this.double_stream_modulation_txt.parts(inner.context),
          inner,
        ),
      }));
    let { x } = segment('joint', streams, (inner) => ({ x: concat([inner.text, inner.hidden], 1) }));
    for (const block of this.single_transformer_blocks)
      x = segment(block.path, { x, single, cosines, sines }, (inner) => {
        const [modulation] = this.single_stream_modulation.parts(inner.single) as readonly [Modulation];
        return { x: block.forward(inner.x, modulation, inner) };
      }).x;
    return segment(this.norm_out.path, { x, temb }, (inner) => {
      const picture = slice(inner.x, 1, context.dim(1), inner.x.dim(1));
      return { sample: this.proj_out.forward(this.norm_out.forward(picture, inner.temb)) };
    });
  }

  /** Tables of the text's tokens, then the image's, [tokens, headSize / 2]. */
  #rotation(text: Value, image: Value): Rotation {
    const { axes } = this.#options;
    return segment('pos_embed', { text, image }, (inner) => {
      const rows = (ids: Value): Value => reshape(slice(ids, 0, 0, 1), [ids.dim(1), axes.length], [-1, axes.length]);
      return { ...rotationOfIds([rows(inner.text), rows(inner.image)], this.#options) };
    });
  }
}
