import { LayerNorm } from '../graph/nn/LayerNorm.js';
import { Linear } from '../graph/nn/Linear.js';
import { builderOf, reshape, transpose } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ACTIVATION_NAMES } from './blocks/activation.js';
import {
  AdaLayerNorm,
  CogVideoXBlock,
  type CogVideoXOptions,
  CogVideoXPatchEmbed,
  gridOf,
  type Rotation,
} from './blocks/CogVideoXBlock.js';
import { rotaryPositions } from './blocks/rotaryPositions.js';
import type { PatchGrid } from './blocks/sincosPositions.js';
import { TimestepEmbedding, timestepFrequencies } from './blocks/TimestepEmbedding.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

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
    const [heads, headSize] = [reader.count('num_attention_heads', 30), reader.size('attention_head_dim', 64)];
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
      layers: reader.count('num_layers', 30),
      attentionBias: reader.flag('attention_bias', true),
      patch: reader.size('patch_size', 2),
      epsilon: reader.number('norm_eps', 1e-5),
      flipSinToCos: reader.flag('flip_sin_to_cos', true),
      frequencyShift: reader.number('freq_shift', 0),
      timestepActivation: reader.oneOf('timestep_activation_fn', ACTIVATION_NAMES, 'silu'),
      spatialScale: reader.number('spatial_interpolation_scale', 1.875),
      temporalScale: reader.number('temporal_interpolation_scale', 1),
      tokens: reader.size('max_text_seq_length', 226),
      sampleHeight: reader.side('sample_height', 60),
      sampleWidth: reader.side('sample_width', 90),
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
