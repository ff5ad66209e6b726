import { Linear } from '../graph/nn/Linear.js';
import { concat, scale, slice } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { AdaLayerNormContinuous } from './blocks/AdaLayerNorms.js';
import { CombinedTimestepTextProjEmbeddings } from './blocks/CombinedTimestepTextProjEmbeddings.js';
import { type FluxOptions, FluxSingleTransformerBlock, FluxTransformerBlock } from './blocks/FluxTransformerBlocks.js';
import { rotationOfIds } from './blocks/rotationOfIds.js';
import { readRotaryAxes } from './blocks/readRotaryAxes.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

/** Tokens of a picture of 1024 pixels a side, and of a prompt. */
const NOMINAL = { tokens: 4096, textTokens: 512 };
const EPSILON = 1e-6;
const ROTARY_BASE = 10_000;

/** The inputs that every call has. */
type FluxInput = 'hidden_states' | 'encoder_hidden_states' | 'pooled_projections' | 'timestep' | 'img_ids' | 'txt_ids';

/**
 * The transformer of FLUX.1 (source: diffusers models/transformers/transformer_flux.py).
 *
 * `call({ hidden_states, encoder_hidden_states, pooled_projections, timestep, img_ids, txt_ids, guidance })`: tokens of latents float32 [n, tokens, in_channels], text embeddings float32
 * [n, text tokens, joint_attention_dim], the pooled one float32 [n, pooled_projection_dim], timestep / 1000 as float32 [n] or [1], the positions (frame, row, column) of both kinds of
 * tokens, float32 [tokens, 3], and for models with `guidance_embeds` the guidance scale as float32 [n] or [1] → `sample` [n, tokens, out channels].
 */
export class FluxTransformer2DModel extends Model {
  static readonly componentName = 'transformer';
  readonly className = 'FluxTransformer2DModel';
  override readonly skipLayerwiseCastingPatterns = ['pos_embed', 'norm'];
  readonly config: ModelConfig;
  readonly time_text_embed: CombinedTimestepTextProjEmbeddings;
  readonly context_embedder: Linear;
  readonly x_embedder: Linear;
  readonly transformer_blocks: readonly FluxTransformerBlock[];
  readonly single_transformer_blocks: readonly FluxSingleTransformerBlock[];
  readonly norm_out: AdaLayerNormContinuous;
  readonly proj_out: Linear;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: FluxOptions;

  private constructor(config: ModelConfig, options: FluxOptions) {
    super();
    const { width, inChannels, textWidth, pooledWidth, axes, guidance } = options;
    this.config = config;
    this.time_text_embed = new CombinedTimestepTextProjEmbeddings(options);
    this.context_embedder = new Linear(textWidth, width);
    this.x_embedder = new Linear(inChannels, width);
    this.transformer_blocks = Array.from({ length: options.layers }, () => new FluxTransformerBlock(options));
    this.single_transformer_blocks = Array.from(
      { length: options.singleLayers },
      () => new FluxSingleTransformerBlock(options),
    );
    this.norm_out = new AdaLayerNormContinuous(options);
    this.proj_out = new Linear(width, options.outChannels);
    this.#options = options;
    this.entries = {
      call: {
        inputs: {
          hidden_states: { types: ['float32'], dims: ['batch', 'tokens', inChannels] },
          encoder_hidden_states: { types: ['float32'], dims: ['batch', 'textTokens', textWidth] },
          pooled_projections: { types: ['float32'], dims: ['batch', pooledWidth] },
          timestep: { types: ['float32'], dims: ['batch'] },
          img_ids: { types: ['float32'], dims: ['tokens', axes.length] },
          txt_ids: { types: ['float32'], dims: ['textTokens', axes.length] },
          ...(guidance ? { guidance: { types: ['float32'], dims: ['batch'] } } : {}),
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
  ): Promise<PretrainedModel<FluxTransformer2DModel>> {
    return loadPretrained('FluxTransformer2DModel', FluxTransformer2DModel.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): FluxTransformer2DModel {
    const reader = new ConfigReader('FluxTransformer2DModel', config);
    reader.only('patch_size', 1);
    const [heads, headSize] = [reader.count('num_attention_heads', 24), reader.size('attention_head_dim', 128)];
    const axes = readRotaryAxes(reader, headSize, [16, 56, 56]);
    const inChannels = reader.size('in_channels', 64);
    return new FluxTransformer2DModel(config, {
      heads,
      headSize,
      axes,
      inChannels,
      width: heads * headSize,
      outChannels: reader.size('out_channels', inChannels),
      textWidth: reader.size('joint_attention_dim', 4096),
      pooledWidth: reader.size('pooled_projection_dim', 768),
      layers: reader.count('num_layers', 19),
      singleLayers: reader.count('num_single_layers', 38),
      guidance: reader.flag('guidance_embeds', false),
      epsilon: EPSILON,
      rotaryBase: ROTARY_BASE,
    });
  }

  #forward(inputs: Readonly<Record<string, Value>>): Record<string, Value> {
    const {
      hidden_states: latents,
      encoder_hidden_states: context,
      pooled_projections: pooled,
      timestep,
      img_ids,
      txt_ids,
    } = inputs as Record<FluxInput, Value>;
    const conditions = { timestep, pooled, guidance: inputs['guidance'] };
    const { temb } = segment(this.time_text_embed.path, conditions, ({ timestep: time, ...others }) => ({
      temb: this.time_text_embed.forward({ ...others, timestep: scale(time, 1000) }),
    }));
    const { cosines, sines } = segment('pos_embed', { text: txt_ids, image: img_ids }, ({ text, image }) => ({
      ...rotationOfIds([text, image], this.#options),
    }));
    let streams = {
      hidden: segment(this.x_embedder.path, { latents }, (inner) => ({ x: this.x_embedder.forward(inner.latents) })).x,
      text: segment(this.context_embedder.path, { context }, (inner) => ({
        x: this.context_embedder.forward(inner.context),
      })).x,
    };
    for (const block of this.transformer_blocks)
      streams = segment(block.path, { ...streams, temb, cosines, sines }, (inner) => ({
        ...block.forward(inner, inner.temb, inner),
      }));
    let { x } = segment('joint', streams, (inner) => ({ x: concat([inner.text, inner.hidden], 1) }));
    for (const block of this.single_transformer_blocks)
      x = segment(block.path, { x, temb, cosines, sines }, (inner) => ({
        x: block.forward(inner.x, inner.temb, inner),
      })).x;
    return segment(this.norm_out.path, { x, temb }, (inner) => {
      const picture = slice(inner.x, 1, context.dim(1), inner.x.dim(1));
      return { sample: this.proj_out.forward(this.norm_out.forward(picture, inner.temb)) };
    });
  }
}
