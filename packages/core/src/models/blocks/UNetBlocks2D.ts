import { Module } from '../../graph/Module.js';
import { segment } from '../../graph/segment.js';
import type { Value } from '../../graph/Value.js';
import type { ImageTokens } from '../imageTokenInputs.js';
import type { UNetOptions } from '../UNetOptions.js';
import { Downsample2D } from './Downsample2D.js';
import { joinSkip } from './joinSkip.js';
import { ResnetBlock2D } from './ResnetBlock2D.js';
import { Transformer2DModel } from './Transformer2DModel.js';
import { Upsample2D } from './Upsample2D.js';

/** What every block of the UNet sees besides the hidden states. */
export interface UNetConditions {
  /** Time (and class) embedding, [n or 1, timeChannels]. */
  readonly temb: Value;
  /** `encoder_hidden_states`, [n, tokens, crossAttentionDim]. */
  readonly context: Value;
  readonly image?: ImageTokens | undefined;
}

/** A hidden state of the down path that an up block takes back. */
export interface SkipConnection {
  readonly value: Value;
  /** What somebody outside the model adds to it. */
  readonly residual: Value | undefined;
}

/** A block of the UNet's down path, with or without attention (source: diffusers models/unets/unet_2d_blocks.py, as the next two). */
export class DownBlock extends Module {
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
        ? (options.transformerLayers.down[level] as readonly number[]).map((layers) =>
            transformer(options, level, layers),
          )
        : [];
    this.downsamplers =
      level === options.blockOutChannels.length - 1 ? [] : [new Downsample2D(outChannels, options.downsamplePadding)];
  }

  override get pythonClass(): string {
    return this.#type;
  }

  /** Returns the hidden states after every layer; the up blocks take them back from the end. */
  forward(x: Value, conditions: UNetConditions): Value[] {
    const states: Value[] = [];
    let h = x;
    for (const [i, block] of this.resnets.entries()) {
      h = runResnet(block, h, conditions);
      h = this.attentions[i]?.forward(h, conditions.context, conditions.image) ?? h;
      states.push(h);
    }
    for (const block of this.downsamplers) {
      h = segment(block.path, { x: h }, (inner) => ({ x: block.forward(inner.x) })).x;
      states.push(h);
    }
    return states;
  }
}

/** The block between the UNet's paths: a resnet, and where it attends an attention and another resnet. */
export class MidBlock extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly Transformer2DModel[];

  constructor(options: UNetOptions) {
    super();
    const channels = options.blockOutChannels.at(-1) as number;
    const factor = options.midBlockScaleFactor;
    const first = resnet(options, channels, channels, factor);
    if (options.midBlock === 'plain') {
      this.resnets = [first];
      this.attentions = [];
      return;
    }
    this.resnets = [first, resnet(options, channels, channels, factor)];
    this.attentions = [transformer(options, options.blockOutChannels.length - 1, options.transformerLayers.mid, false)];
  }

  override get pythonClass(): string {
    return this.attentions.length === 0 ? 'UNetMidBlock2D' : 'UNetMidBlock2DCrossAttn';
  }

  forward(x: Value, conditions: UNetConditions): Value {
    const [first, second] = this.resnets as [ResnetBlock2D, ResnetBlock2D?];
    const start = runResnet(first, x, conditions);
    const h = this.attentions[0]?.forward(start, conditions.context, conditions.image) ?? start;
    return second === undefined ? h : runResnet(second, h, conditions);
  }
}

/** A block of the UNet's up path, with or without attention. */
export class UpBlock extends Module {
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
        ? (options.transformerLayers.up[level] as readonly number[]).map((layers) =>
            transformer(options, deepest - level, layers),
          )
        : [];
    this.upsamplers = level === deepest ? [] : [new Upsample2D(outChannels)];
  }

  override get pythonClass(): string {
    return this.#type;
  }

  /** Takes its skip connections from the end of `skips`. `midResidual` is added to what it starts from. */
  forward(x: Value, skips: SkipConnection[], conditions: UNetConditions, midResidual?: Value): Value {
    let h = x;
    for (const [i, block] of this.resnets.entries()) {
      const { value: skip, residual } = skips.pop() as SkipConnection;
      const start = { x: h, skip, residual, midResidual: i === 0 ? midResidual : undefined };
      h = segment(block.path, { ...start, temb: conditions.temb }, ({ temb, ...inner }) => ({
        x: block.forward(joinSkip(inner), temb),
      })).x;
      h = this.attentions[i]?.forward(h, conditions.context, conditions.image) ?? h;
    }
    for (const block of this.upsamplers) {
      const like = (skips.at(-1) as SkipConnection).value;
      h = segment(block.path, { x: h }, (inner) => ({ x: block.forward(inner.x, [like.dim(2), like.dim(3)]) })).x;
    }
    return h;
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
  layers: number,
  onlyCross: boolean = options.onlyCrossAttention[level] as boolean,
): Transformer2DModel {
  return new Transformer2DModel({
    channels: options.blockOutChannels[level] as number,
    heads: options.heads[level] as number,
    layers,
    crossAttentionDim: options.crossAttentionDim[level] as number,
    groups: options.groups,
    useLinearProjection: options.useLinearProjection,
    onlyCrossAttention: onlyCross,
  });
}

function runResnet(block: ResnetBlock2D, x: Value, { temb }: UNetConditions): Value {
  return segment(block.path, { x, temb }, (inner) => ({ x: block.forward(inner.x, inner.temb) })).x;
}
