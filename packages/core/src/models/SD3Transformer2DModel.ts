import { ThimbleError } from '../errors.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { Module } from '../graph/Module.js';
import { Conv2d } from '../graph/nn/Conv2d.js';
import { Linear } from '../graph/nn/Linear.js';
import { add, gather, reshape, transpose } from '../graph/operations.js';
import { Parameter } from '../graph/Parameter.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { AdaLayerNormContinuous } from './blocks/AdaLayerNorms.js';
import { CombinedTimestepTextProjEmbeddings } from './blocks/CombinedTimestepTextProjEmbeddings.js';
import { EPSILON, JointTransformerBlock, type SD3Options } from './blocks/JointTransformerBlock.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry, type ModelInput } from './Model.js';

/** Both CLIPs' tokens, and T5's. */
const NOMINAL_TOKENS = 77 + 256;
const SKIPPED = 'skip_layers';

/** Patches with their positions: a table of learned size, of which the middle is taken. */
class PatchEmbed extends Module {
  readonly proj: Conv2d;
  readonly pos_embed: Parameter;
  readonly #options: SD3Options;

  constructor(options: SD3Options) {
    super();
    const { inChannels, width, patch, positions } = options;
    this.proj = new Conv2d(inChannels, width, patch, { stride: patch });
    this.pos_embed = new Parameter([1, positions ** 2, width]);
    this.#options = options;
  }

  /** [n, c, h, w] → [n, patches, width]. Of the table, which may be as large as a tenth of the model, only the rows of these patches are read. */
  forward(latents: Value): Value {
    const { width, positions } = this.#options;
    const patches = this.proj.forward(latents);
    const [n, , rows, columns] = patches.dims as readonly [number, number, number, number];
    const tokens = transpose(reshape(patches, [n, width, rows * columns], [0, width, -1]), [0, 2, 1]);
    const [top, left] = [Math.floor((positions - rows) / 2), Math.floor((positions - columns) / 2)];
    const places = Array.from(
      { length: rows * columns },
      (_, i) => (top + Math.floor(i / columns)) * positions + left + (i % columns),
    );
    return add(tokens, gather(this.pos_embed.in(latents, [positions ** 2, width]), 0, places));
  }
}

/**
 * The transformer of Stable Diffusion 3 and 3.5 (arXiv 2403.03206; source: diffusers models/transformers/transformer_sd3.py).
 *
 * `call({ hidden_states, encoder_hidden_states, pooled_projections, timestep })`: latents float32 [n, c, h, w] with h and w multiples of `patch_size`, text embeddings float32
 * [n, tokens, joint_attention_dim], pooled ones float32 [n, pooled_projection_dim], timestep in [0, 1000] as int64 or float32 [n] or [1] → `sample` [n, out channels, h, w].
 * Blocks that are to be left out (skip-layer guidance) are named by further inputs, `skip_layers.7` for block 7, int64 [1] of whatever value.
 */
export class SD3Transformer2DModel extends Model {
  static readonly componentName = 'transformer';
  readonly className = 'SD3Transformer2DModel';
  override readonly skipLayerwiseCastingPatterns = ['pos_embed', 'norm'];
  readonly config: ModelConfig;
  readonly pos_embed: PatchEmbed;
  readonly time_text_embed: CombinedTimestepTextProjEmbeddings;
  readonly context_embedder: Linear;
  readonly transformer_blocks: readonly JointTransformerBlock[];
  readonly norm_out: AdaLayerNormContinuous;
  readonly proj_out: Linear;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: SD3Options;

  private constructor(config: ModelConfig, options: SD3Options) {
    super();
    const { width, textWidth, pooledWidth, layers, dualLayers, patch, inChannels, outChannels, sampleSize } = options;
    this.config = config;
    this.pos_embed = new PatchEmbed(options);
    this.time_text_embed = new CombinedTimestepTextProjEmbeddings({ width, pooledWidth, guidance: false });
    this.context_embedder = new Linear(textWidth, width);
    this.transformer_blocks = Array.from(
      { length: layers },
      (_, i) => new JointTransformerBlock(options, { dual: dualLayers.has(i), last: i === layers - 1 }),
    );
    this.norm_out = new AdaLayerNormContinuous({ width, epsilon: EPSILON });
    this.proj_out = new Linear(width, patch * patch * outChannels);
    this.#options = options;
    this.entries = {
      call: {
        inputs: {
          hidden_states: { types: ['float32'], dims: ['batch', inChannels, 'latentHeight', 'latentWidth'] },
          encoder_hidden_states: { types: ['float32'], dims: ['batch', 'tokens', textWidth] },
          pooled_projections: { types: ['float32'], dims: ['batch', pooledWidth] },
          timestep: { types: ['int64', 'float32'], dims: ['batch'] },
          ...skipInputs(layers),
        },
        nominal: { latentHeight: sampleSize, latentWidth: sampleSize, tokens: NOMINAL_TOKENS },
        outputs: ['sample'],
        forward: (inputs) => this.#forward(inputs),
      },
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<SD3Transformer2DModel>> {
    return loadPretrained('SD3Transformer2DModel', SD3Transformer2DModel.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): SD3Transformer2DModel {
    const reader = new ConfigReader('SD3Transformer2DModel', config);
    const [heads, headSize] = [reader.count('num_attention_heads', 18), reader.size('attention_head_dim', 64)];
    const width = heads * headSize;
    const captionWidth = reader.size('caption_projection_dim', width);
    if (captionWidth !== width)
      reader.unsupported('caption_projection_dim', captionWidth, `num_attention_heads · attention_head_dim, ${width}`);
    reader.only('qk_norm', null, 'rms_norm');
    const inChannels = reader.size('in_channels', 16);
    const dual: unknown = config['dual_attention_layers'] ?? [];
    if (!Array.isArray(dual) || !dual.every(Number.isSafeInteger))
      reader.unsupported('dual_attention_layers', dual, 'a list of numbers of blocks');
    return new SD3Transformer2DModel(config, {
      heads,
      headSize,
      width,
      inChannels,
      outChannels: reader.size('out_channels', inChannels),
      textWidth: reader.size('joint_attention_dim', 4096),
      pooledWidth: reader.size('pooled_projection_dim', 2048),
      layers: reader.count('num_layers', 18),
      dualLayers: new Set(dual as readonly number[]),
      qkNorm: config['qk_norm'] === 'rms_norm',
      patch: reader.size('patch_size', 2),
      positions: reader.side('pos_embed_max_size', 96),
      sampleSize: reader.side('sample_size', 128),
    });
  }

  #forward(inputs: Readonly<Record<string, Value>>): Record<string, Value> {
    const {
      hidden_states: latents,
      encoder_hidden_states: context,
      pooled_projections: pooled,
      timestep,
    } = inputs as Record<'hidden_states' | 'encoder_hidden_states' | 'pooled_projections' | 'timestep', Value>;
    this.#checkSides(latents);
    const { temb } = segment(this.time_text_embed.path, { timestep, pooled }, (inner) => ({
      temb: this.time_text_embed.forward({ ...inner, guidance: undefined }),
    }));
    let { hidden } = segment(this.pos_embed.path, { latents }, (inner) => ({
      hidden: this.pos_embed.forward(inner.latents),
    }));
    let { text } = segment(this.context_embedder.path, { context }, (inner) => ({
      text: this.context_embedder.forward(inner.context),
    }));
    for (const [i, block] of this.transformer_blocks.entries()) {
      if (inputs[`${SKIPPED}.${i}`] !== undefined) continue;
      const made: Readonly<Record<string, Value | undefined>> = segment(block.path, { hidden, text, temb }, (inner) =>
        block.forward(inner, inner.temb),
      );
      hidden = made['hidden'] as Value;
      text = made['text'] ?? text;
    }
    const { height, width } = { height: latents.dim(2), width: latents.dim(3) };
    return segment(this.norm_out.path, { hidden, temb }, (inner) => ({
      sample: this.#unpatchify(this.proj_out.forward(this.norm_out.forward(inner.hidden, inner.temb)), height, width),
    }));
  }

  /** @throws ERR_INPUT_INVALID for sides that no patches fit, or beyond the table of positions */
  #checkSides(latents: Value): void {
    const { patch, positions } = this.#options;
    const sides = [latents.dim(2), latents.dim(3)];
    if (sides.every((side) => side % patch === 0 && side <= patch * positions)) return;
    throw new ThimbleError('ERR_INPUT_INVALID', {
      component: 'transformer',
      entry: 'call',
      input: 'hidden_states',
      got: `[${latents.dims.join(', ')}]`,
      expected: `a height and a width that are multiples of ${patch}, ${patch * positions} at most`,
    });
  }

  /** [n, patches, patch² · out] → [n, out, h, w]: inside a token the row, the column, then the channel. */
  #unpatchify(x: Value, height: number, width: number): Value {
    const { patch: p, outChannels: c } = this.#options;
    const [n, rows, columns] = [x.dim(0), height / p, width / p];
    const pieces = reshape(x, [n, rows, columns, p, p, c], [0, rows, columns, p, p, c]);
    return reshape(transpose(pieces, [0, 5, 1, 3, 2, 4]), [n, c, height, width], [0, c, height, width]);
  }
}

function skipInputs(layers: number): Record<string, ModelInput> {
  return Object.fromEntries(
    Array.from({ length: layers }, (_, i) => [
      `${SKIPPED}.${i}`,
      { types: ['int64' as const], dims: [1], optional: true },
    ]),
  );
}
