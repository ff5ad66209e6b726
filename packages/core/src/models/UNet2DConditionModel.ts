import { Conv2d } from '../graph/nn/Conv2d.js';
import { Embedding } from '../graph/nn/Embedding.js';
import { GroupNorm } from '../graph/nn/GroupNorm.js';
import { Linear } from '../graph/nn/Linear.js';
import { add, builderOf, concat, reshape, scale } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ACTIVATIONS } from './blocks/activation.js';
import { TimestepEmbedding, timestepFrequencies } from './blocks/TimestepEmbedding.js';
import { DownBlock, MidBlock, type SkipConnection, UpBlock } from './blocks/UNetBlocks2D.js';
import type { ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry, type ModelInput } from './Model.js';
import { readUNetOptions, type UNetOptions } from './UNetOptions.js';
import { DOWN_RESIDUAL, MID_RESIDUAL, residualInputs, residualSizes } from './residualInputs.js';

/** Tokens of CLIP, whose embeddings most of these models were trained with. */
const CLIP_TOKENS = 77;

/**
 * The conditional UNet of Stable Diffusion 1.x, 2.x and XL (source: diffusers models/unets/unet_2d_condition.py).
 *
 * `call({ sample, timestep, encoder_hidden_states })` → `sample` [n, out channels, h, w]. `sample` is float32 [n, in channels, h, w],
 * `timestep` int64 or float32 [1] or [n], `encoder_hidden_states` float32 [n, tokens, cross-attention width]; where the config has
 * them `class_labels` (int64 [n], or float32 [n, width]) and `timestep_cond` (float32 [n, width]). Odd heights and widths work.
 * With `addition_embed_type: "text_time"` (SDXL) also `time_ids`, float32 [n, ids], the sizes and crops of the picture, and `text_embeds`, float32 [n, width], the pooled
 * embeddings of the text.
 *
 * Other models may feed it: `down_block_additional_residuals.N` is added to the Nth hidden state of the down path before the up path takes it back, 0 being
 * what `conv_in` gives, and `mid_block_additional_residual` to what the mid block gives; float32, of those values' sizes. Each may be left out, which is the same as zeros.
 */
export class UNet2DConditionModel extends Model {
  static readonly componentName = 'unet';
  readonly className = 'UNet2DConditionModel';
  override readonly skipLayerwiseCastingPatterns = ['norm'];
  readonly config: ModelConfig;
  readonly conv_in: Conv2d;
  readonly time_embedding: TimestepEmbedding;
  readonly class_embedding: Embedding | TimestepEmbedding | Linear | undefined;
  readonly add_embedding: TimestepEmbedding | undefined;
  readonly down_blocks: readonly DownBlock[];
  readonly mid_block: MidBlock | undefined;
  readonly up_blocks: readonly UpBlock[];
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Conv2d;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: UNetOptions;

  private constructor(config: ModelConfig, options: UNetOptions) {
    super();
    const { inChannels, outChannels, blockOutChannels: channels, timeChannels, convInKernel, convOutKernel } = options;
    const first = channels[0] as number;
    this.config = config;
    this.#options = options;
    this.conv_in = new Conv2d(inChannels, first, convInKernel, { padding: Math.floor((convInKernel - 1) / 2) });
    this.time_embedding = new TimestepEmbedding(first, timeChannels, {
      conditionChannels: options.timeConditionChannels,
      activation: options.activation,
    });
    this.class_embedding = classEmbedding(options);
    this.add_embedding =
      options.textTime === undefined ? undefined : new TimestepEmbedding(options.textTime.projectionDim, timeChannels);
    this.down_blocks = channels.map((_, level) => new DownBlock(options, level));
    this.mid_block = options.midBlock === undefined ? undefined : new MidBlock(options);
    this.up_blocks = channels.map((_, level) => new UpBlock(options, level));
    this.conv_norm_out = new GroupNorm(options.groups, first, options.epsilon);
    this.conv_out = new Conv2d(first, outChannels, convOutKernel, { padding: Math.floor((convOutKernel - 1) / 2) });
    this.entries = {
      call: {
        inputs: inputsOf(options),
        derived: { ...residualSizes(options), ...pooledWidth(options) },
        nominal: {
          height: options.sampleSize[0],
          width: options.sampleSize[1],
          tokens: CLIP_TOKENS,
          ...nominalTextTime(options),
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
  ): Promise<PretrainedModel<UNet2DConditionModel>> {
    return loadPretrained('UNet2DConditionModel', UNet2DConditionModel.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): UNet2DConditionModel {
    return new UNet2DConditionModel(config, readUNetOptions(config));
  }

  #forward(inputs: Readonly<Record<string, Value>>): Record<string, Value> {
    const {
      sample,
      timestep,
      encoder_hidden_states: context,
      timestep_cond: condition,
      class_labels: labels,
      text_embeds: text,
      time_ids: ids,
    } = inputs as Record<string, Value> & {
      sample: Value;
      timestep: Value;
      encoder_hidden_states: Value;
    };
    const { temb } = segment(this.time_embedding.path, { timestep, condition, labels, text, ids }, (inner) => ({
      temb: this.#embedTextTime(this.#embedTime(inner.timestep, inner.condition, inner.labels), inner.text, inner.ids),
    }));
    const conditions = { temb, context };
    let h = segment(this.conv_in.path, { sample }, (inner) => ({
      x: this.conv_in.forward(this.#centre(inner.sample)),
    })).x;
    const states = [h];
    for (const block of this.down_blocks) {
      states.push(...block.forward(h, conditions));
      h = states.at(-1) as Value;
    }
    const skips = states.map((value, i): SkipConnection => ({ value, residual: inputs[`${DOWN_RESIDUAL}${i}`] }));
    h = this.mid_block?.forward(h, conditions) ?? h;
    for (const [i, block] of this.up_blocks.entries())
      h = block.forward(h, skips, conditions, i === 0 ? inputs[MID_RESIDUAL] : undefined);
    return segment(this.conv_out.path, { x: h }, ({ x }) => ({
      sample: this.conv_out.forward(ACTIVATIONS[this.#options.activation](this.conv_norm_out.forward(x))),
    }));
  }

  #embedTime(timestep: Value, condition?: Value, labels?: Value): Value {
    const { flipSinToCos, frequencyShift, blockOutChannels } = this.#options;
    const projected = timestepFrequencies(timestep, {
      channels: blockOutChannels[0] as number,
      flipSinToCos,
      frequencyShift,
    });
    const temb = this.time_embedding.forward(projected, condition);
    if (labels === undefined || this.#options.classEmbedType === undefined) return temb;
    const classes = this.#embedClass(labels);
    return this.#options.classEmbeddingsConcat ? concat([temb, classes], 1) : add(temb, classes);
  }

  /** Adds what SDXL knows of the picture beside the text's tokens. */
  #embedTextTime(temb: Value, text: Value | undefined, ids: Value | undefined): Value {
    const { textTime, flipSinToCos, frequencyShift } = this.#options;
    if (text === undefined || ids === undefined || textTime === undefined || this.add_embedding === undefined)
      return temb;
    const all = inBatchOf(text, ids);
    const [n, count] = [all.dim(0), all.dim(1)];
    const options = { channels: textTime.timeDim, flipSinToCos, frequencyShift };
    const projected = timestepFrequencies(reshape(all, [n * count], [-1]), options);
    const width = count * textTime.timeDim;
    const times = reshape(projected, [n, width], [-1, width]);
    return add(temb, this.add_embedding.forward(concat([inBatchOf(all, text), times], 1)));
  }

  #embedClass(labels: Value): Value {
    const { classEmbedType, flipSinToCos, frequencyShift, blockOutChannels } = this.#options;
    const input =
      classEmbedType === 'timestep'
        ? timestepFrequencies(labels, { channels: blockOutChannels[0] as number, flipSinToCos, frequencyShift })
        : labels;
    return this.class_embedding?.forward(input) ?? input;
  }

  #centre(sample: Value): Value {
    if (!this.#options.centerInputSample) return sample;
    return add(scale(sample, 2), builderOf(sample).constant('float32', [], [-1]));
  }
}

/** A single sample once for each of another's. */
function inBatchOf(other: Value, value: Value): Value {
  const repeats = value.dim(0) === 1 ? other.dim(0) : 1;
  return repeats === 1
    ? value
    : concat(
        Array.from({ length: repeats }, () => value),
        0,
      );
}

/** What the pooled text is as wide as: the projection takes it and the time ids, side by side. */
function pooledWidth({ textTime }: UNetOptions): Record<string, (sizes: ReadonlyMap<string, number>) => number> {
  if (textTime === undefined) return {};
  return { pooled: (sizes) => textTime.projectionDim - textTime.timeDim * (sizes.get('timeIds') as number) };
}

/** Six time ids: original size, crop and target size. SDXL's refiner has five; it is conditioned on one text encoder alone, whose tokens are as wide as its pooled text. */
function nominalTextTime({ textTime, crossAttentionDim }: UNetOptions): Record<string, number> {
  if (textTime === undefined) return {};
  const { projectionDim, timeDim } = textTime;
  const timeIds = projectionDim - 5 * timeDim === crossAttentionDim[0] ? 5 : 6;
  return { timeIds, pooled: projectionDim - timeIds * timeDim };
}

function inputsOf(options: UNetOptions): Record<string, ModelInput> {
  const labels: Record<NonNullable<UNetOptions['classEmbedType']>, ModelInput> = {
    table: { types: ['int64'], dims: ['batch'] },
    timestep: { types: ['int64', 'float32'], dims: ['batch'] },
    identity: { types: ['float32'], dims: ['batch', options.timeChannels] },
    projection: { types: ['float32'], dims: ['batch', options.classProjectionChannels ?? 0] },
    simple_projection: { types: ['float32'], dims: ['batch', options.classProjectionChannels ?? 0] },
  };
  return {
    sample: { types: ['float32'], dims: ['batch', options.inChannels, 'height', 'width'] },
    timestep: { types: ['int64', 'float32'], dims: ['batch'] },
    encoder_hidden_states: { types: ['float32'], dims: ['batch', 'tokens', options.crossAttentionDim[0] as number] },
    ...(options.timeConditionChannels === undefined
      ? {}
      : { timestep_cond: { types: ['float32'], dims: ['batch', options.timeConditionChannels], optional: true } }),
    ...(options.textTime === undefined
      ? {}
      : {
          time_ids: { types: ['float32'], dims: ['batch', 'timeIds'] },
          text_embeds: { types: ['float32'], dims: ['batch', 'pooled'] },
        }),
    ...(options.classEmbedType === undefined ? {} : { class_labels: labels[options.classEmbedType] }),
    ...residualInputs(options),
  };
}

function classEmbedding(options: UNetOptions): Embedding | TimestepEmbedding | Linear | undefined {
  const { timeChannels, classProjectionChannels = 0 } = options;
  switch (options.classEmbedType) {
    case 'table':
      return new Embedding(options.classes ?? 0, timeChannels);
    case 'timestep':
      return new TimestepEmbedding(options.blockOutChannels[0] as number, timeChannels, {
        activation: options.activation,
      });
    case 'projection':
      return new TimestepEmbedding(classProjectionChannels, timeChannels);
    case 'simple_projection':
      return new Linear(classProjectionChannels, timeChannels);
    default:
      return undefined;
  }
}
