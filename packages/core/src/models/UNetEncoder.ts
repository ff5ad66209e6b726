import { Conv2d } from '../graph/nn/Conv2d.js';
import { Embedding } from '../graph/nn/Embedding.js';
import { Linear } from '../graph/nn/Linear.js';
import { add, builderOf, concat, reshape, scale } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { TimestepEmbedding, timestepFrequencies } from './blocks/TimestepEmbedding.js';
import { DownBlock, MidBlock, type UNetConditions } from './blocks/UNetBlocks2D.js';
import { checkMembers } from '../fields/checkMembers.js';
import type { ModelConfig } from '../fields/ConfigReader.js';
import { Model, type ModelEntry, type ModelInput } from './Model.js';
import type { UNetOptions } from './UNetOptions.js';

/** Tokens of CLIP, whose embeddings most of these models were trained with. */
const CLIP_TOKENS = 77;

/** What a UNet's way down makes of a sample. */
export interface EncodedSample {
  /** The hidden states that a way up takes back: of `conv_in`, and of each layer and each downsampler. */
  readonly states: readonly Value[];
  /** What the mid block gives; the last of the states where there is none. */
  readonly mid: Value;
  readonly conditions: UNetConditions;
}

/**
 * A conditional UNet's way down and its middle, which `UNet2DConditionModel` and what feeds one, such as a ControlNet, have in common (source: diffusers
 * models/unets/unet_2d_condition.py, models/controlnets/controlnet.py).
 */
export abstract class UNetEncoder extends Model {
  readonly config: ModelConfig;
  readonly conv_in: Conv2d;
  readonly time_embedding: TimestepEmbedding;
  readonly class_embedding: Embedding | TimestepEmbedding | Linear | undefined;
  readonly add_embedding: TimestepEmbedding | undefined;
  readonly down_blocks: readonly DownBlock[];
  readonly mid_block: MidBlock | undefined;
  readonly #options: UNetOptions;

  /** @throws ERR_ARGUMENT_INVALID for options that are none */
  constructor(config: ModelConfig, options: UNetOptions) {
    super();
    checkMembers('options', options, 'what readUNetOptions gives', ['blockOutChannels', 'transformerLayers']);
    const { inChannels, blockOutChannels: channels, timeChannels, convInKernel } = options;
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
  }

  /** What an entry point that takes a sample takes, how sizes follow from others, and which they are unless a call says otherwise. */
  protected get sampleEntry(): Pick<ModelEntry, 'inputs' | 'derived' | 'nominal'> {
    const { sampleSize } = this.#options;
    return {
      inputs: inputsOf(this.#options),
      derived: pooledWidth(this.#options),
      nominal: {
        height: sampleSize[0],
        width: sampleSize[1],
        tokens: CLIP_TOKENS,
        ...nominalTextTime(this.#options),
      },
    };
  }

  /** Runs the way down and the middle. `hint` is added to what `conv_in` gives, [n or 1, channels, h, w]. */
  protected encode(inputs: Readonly<Record<string, Value>>, hint?: Value): EncodedSample {
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
    const { ip_hidden_states, ip_adapter_scale } = inputs;
    const conditions = { temb, context, image: { ip_hidden_states, ip_adapter_scale } };
    let h = segment(this.conv_in.path, { sample, hint }, (inner) => {
      const x = this.conv_in.forward(this.#centre(inner.sample));
      return { x: inner.hint === undefined ? x : add(x, inner.hint) };
    }).x;
    const states = [h];
    for (const block of this.down_blocks) {
      states.push(...block.forward(h, conditions));
      h = states.at(-1) as Value;
    }
    return { states, mid: this.mid_block?.forward(h, conditions) ?? h, conditions };
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
