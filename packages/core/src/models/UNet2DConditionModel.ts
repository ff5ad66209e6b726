import { Module } from '../graph/Module.js';
import { Conv2d } from '../graph/nn/Conv2d.js';
import { Embedding } from '../graph/nn/Embedding.js';
import { GroupNorm } from '../graph/nn/GroupNorm.js';
import { Linear } from '../graph/nn/Linear.js';
import { add, builderOf, concat, scale } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ACTIVATIONS } from './blocks/activation.js';
import { Downsample2D } from './blocks/Downsample2D.js';
import { joinLarge } from './blocks/joinLarge.js';
import { ResnetBlock2D } from './blocks/ResnetBlock2D.js';
import { TimestepEmbedding, timestepFrequencies } from './blocks/TimestepEmbedding.js';
import { Transformer2DModel } from './blocks/Transformer2DModel.js';
import { Upsample2D } from './blocks/Upsample2D.js';
import type { ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry, type ModelInput } from './Model.js';
import { readUNetOptions, type UNetOptions } from './UNetOptions.js';

/** What every block of the UNet sees besides the hidden states. */
interface Conditions {
  /** Time (and class) embedding, [n or 1, timeChannels]. */
  readonly temb: Value;
  /** `encoder_hidden_states`, [n, tokens, crossAttentionDim]. */
  readonly context: Value;
}

class DownBlock extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly Transformer2DModel[];
  readonly downsamplers: readonly Downsample2D[];
  readonly #type: string;

  constructor(options: UNetOptions, level: number) {
    super();
    this.#type = options.downBlockTypes[level] as string;
    const outChannels = options.blockOutChannels[level] as number;
    const inChannels = options.blockOutChannels[Math.max(0, level - 1)] as number;
    const count = options.layersPerBlock[level] as number;
    this.resnets = Array.from({ length: count }, (_, i) =>
      resnet(options, i === 0 ? inChannels : outChannels, outChannels),
    );
    this.attentions =
      options.downBlockTypes[level] === 'CrossAttnDownBlock2D'
        ? Array.from({ length: count }, () => transformer(options, level))
        : [];
    this.downsamplers =
      level === options.blockOutChannels.length - 1 ? [] : [new Downsample2D(outChannels, options.downsamplePadding)];
  }

  override get pythonClass(): string {
    return this.#type;
  }

  /** Returns the hidden states after every layer; the up blocks take them back from the end. */
  forward(x: Value, conditions: Conditions): Value[] {
    const states: Value[] = [];
    let h = x;
    for (const [i, block] of this.resnets.entries()) {
      h = runResnet(block, h, conditions);
      h = runAttention(this.attentions[i], h, conditions);
      states.push(h);
    }
    for (const block of this.downsamplers) {
      h = segment(block.path, { x: h }, (inner) => ({ x: block.forward(inner.x) })).x;
      states.push(h);
    }
    return states;
  }
}

class MidBlock extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly Transformer2DModel[];

  constructor(options: UNetOptions) {
    super();
    const channels = options.blockOutChannels.at(-1) as number;
    const factor = options.midBlockScaleFactor;
    this.resnets = [resnet(options, channels, channels, factor), resnet(options, channels, channels, factor)];
    this.attentions = [transformer(options, options.blockOutChannels.length - 1, false)];
  }

  override get pythonClass(): string {
    return 'UNetMidBlock2DCrossAttn';
  }

  forward(x: Value, conditions: Conditions): Value {
    const [first, second] = this.resnets as [ResnetBlock2D, ResnetBlock2D];
    return runResnet(second, runAttention(this.attentions[0], runResnet(first, x, conditions), conditions), conditions);
  }
}

class UpBlock extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly Transformer2DModel[];
  readonly upsamplers: readonly Upsample2D[];
  readonly #type: string;

  /** `level` counts from the deepest block. */
  constructor(options: UNetOptions, level: number) {
    super();
    this.#type = options.upBlockTypes[level] as string;
    const channels = options.blockOutChannels.toReversed();
    const deepest = channels.length - 1;
    const outChannels = channels[level] as number;
    const previous = channels[Math.max(0, level - 1)] as number;
    const skipped = channels[Math.min(deepest, level + 1)] as number;
    const count = (options.layersPerBlock.at(-1 - level) as number) + 1;
    this.resnets = Array.from({ length: count }, (_, i) => {
      const skip = i === count - 1 ? skipped : outChannels;
      return resnet(options, (i === 0 ? previous : outChannels) + skip, outChannels);
    });
    this.attentions =
      options.upBlockTypes[level] === 'CrossAttnUpBlock2D'
        ? Array.from({ length: count }, () => transformer(options, deepest - level))
        : [];
    this.upsamplers = level === deepest ? [] : [new Upsample2D(outChannels)];
  }

  override get pythonClass(): string {
    return this.#type;
  }

  /** Takes its skip connections from the end of `states`. */
  forward(x: Value, states: Value[], conditions: Conditions): Value {
    let h = x;
    for (const [i, block] of this.resnets.entries()) {
      const inputs = { ...joinLarge(block.path, h, states.pop() as Value), temb: conditions.temb };
      h = segment(block.path, inputs, ({ x, skip, temb }) => ({
        x: block.forward(skip === undefined ? x : concat([x, skip], 1), temb),
      })).x;
      h = runAttention(this.attentions[i], h, conditions);
    }
    for (const block of this.upsamplers) {
      const like = states.at(-1) as Value;
      h = segment(block.path, { x: h }, (inner) => ({ x: block.forward(inner.x, [like.dim(2), like.dim(3)]) })).x;
    }
    return h;
  }
}

/**
 * The conditional UNet of Stable Diffusion 1.x and 2.x (source: diffusers models/unets/unet_2d_condition.py).
 *
 * `call({ sample, timestep, encoder_hidden_states })` → `sample` [n, out channels, h, w]. `sample` is float32 [n, in channels, h, w],
 * `timestep` int64 or float32 [1] or [n], `encoder_hidden_states` float32 [n, tokens, cross-attention width]; where the config has
 * them `class_labels` (int64 [n], or float32 [n, width]) and `timestep_cond` (float32 [n, width]). Odd heights and widths work.
 */
export class UNet2DConditionModel extends Model {
  static readonly componentName = 'unet';
  readonly className = 'UNet2DConditionModel';
  override readonly skipLayerwiseCastingPatterns = ['norm'];
  readonly config: ModelConfig;
  readonly conv_in: Conv2d;
  readonly time_embedding: TimestepEmbedding;
  readonly class_embedding: Embedding | TimestepEmbedding | Linear | undefined;
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
    this.down_blocks = channels.map((_, level) => new DownBlock(options, level));
    this.mid_block = options.midBlock ? new MidBlock(options) : undefined;
    this.up_blocks = channels.map((_, level) => new UpBlock(options, level));
    this.conv_norm_out = new GroupNorm(options.groups, first, options.epsilon);
    this.conv_out = new Conv2d(first, outChannels, convOutKernel, { padding: Math.floor((convOutKernel - 1) / 2) });
    this.entries = {
      call: { inputs: inputsOf(options), outputs: ['sample'], forward: (inputs) => this.#forward(inputs) },
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
    } = inputs as Record<string, Value> & {
      sample: Value;
      timestep: Value;
      encoder_hidden_states: Value;
    };
    const { temb } = segment(this.time_embedding.path, { timestep, condition, labels }, (inner) => ({
      temb: this.#embedTime(inner.timestep, inner.condition, inner.labels),
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
    h = this.mid_block?.forward(h, conditions) ?? h;
    for (const block of this.up_blocks) h = block.forward(h, states, conditions);
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
    ...(options.classEmbedType === undefined ? {} : { class_labels: labels[options.classEmbedType] }),
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

function resnet(options: UNetOptions, inChannels: number, outChannels: number, outputScaleFactor = 1): ResnetBlock2D {
  const { timeChannels, groups, epsilon, activation, timeScaleShift, classEmbeddingsConcat } = options;
  return new ResnetBlock2D({
    inChannels,
    outChannels,
    groups,
    epsilon,
    activation,
    timeScaleShift,
    outputScaleFactor,
    timeChannels: classEmbeddingsConcat ? 2 * timeChannels : timeChannels,
  });
}

function transformer(
  options: UNetOptions,
  level: number,
  onlyCross: boolean = options.onlyCrossAttention[level] as boolean,
): Transformer2DModel {
  return new Transformer2DModel({
    channels: options.blockOutChannels[level] as number,
    heads: options.heads[level] as number,
    layers: options.transformerLayers[level] as number,
    crossAttentionDim: options.crossAttentionDim[level] as number,
    groups: options.groups,
    useLinearProjection: options.useLinearProjection,
    onlyCrossAttention: onlyCross,
  });
}

function runResnet(block: ResnetBlock2D, x: Value, { temb }: Conditions): Value {
  return segment(block.path, { x, temb }, (inner) => ({ x: block.forward(inner.x, inner.temb) })).x;
}

function runAttention(block: Transformer2DModel | undefined, x: Value, { context }: Conditions): Value {
  if (block === undefined) return x;
  return segment(block.path, { x, context }, (inner) => ({ x: block.forward(inner.x, inner.context) })).x;
}
