import { Module } from '../graph/Module.js';
import { attention } from '../graph/nn/attention.js';
import { Conv2d } from '../graph/nn/Conv2d.js';
import { GroupNorm } from '../graph/nn/GroupNorm.js';
import { Linear } from '../graph/nn/Linear.js';
import { add } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ACTIVATION_NAMES, ACTIVATIONS, type ActivationName } from './blocks/activation.js';
import { Downsample2D } from './blocks/Downsample2D.js';
import { ResnetBlock2D } from './blocks/ResnetBlock2D.js';
import { fromTokens, toTokens } from './blocks/tokens.js';
import { Upsample2D } from './blocks/Upsample2D.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

const EPSILON = 1e-6;

/** New and old names of the attention's projections. */
const OLD_ATTENTION_KEYS = [
  ['.to_q.', '.query.'],
  ['.to_k.', '.key.'],
  ['.to_v.', '.value.'],
  ['.to_out.0.', '.proj_attn.'],
] as const;

/** What an autoencoder is built from. */
export interface AutoencoderOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Height and width of the pictures that it was trained for. */
  readonly sampleSize: readonly [number, number];
  readonly blockOutChannels: readonly number[];
  /** Those of the decoder, where they are others. */
  readonly decoderOutChannels: readonly number[];
  readonly layersPerBlock: number;
  readonly groups: number;
  readonly activation: ActivationName;
  readonly midBlockAttention: boolean;
  readonly quant: boolean;
  readonly postQuant: boolean;
}

/** Attention of one head over all pixels, with a residual around it. */
class PixelAttention extends Module {
  readonly group_norm: GroupNorm;
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly to_out: readonly [Linear];

  constructor(channels: number, groups: number) {
    super();
    this.group_norm = new GroupNorm(groups, channels, EPSILON);
    this.to_q = new Linear(channels, channels);
    this.to_k = new Linear(channels, channels);
    this.to_v = new Linear(channels, channels);
    this.to_out = [new Linear(channels, channels)];
  }

  override get pythonClass(): string {
    return 'Attention';
  }

  forward(x: Value): Value {
    const tokens = toTokens(this.group_norm.forward(x));
    const attended = attention(this.to_q.forward(tokens), this.to_k.forward(tokens), this.to_v.forward(tokens), {
      heads: 1,
    });
    return add(fromTokens(this.to_out[0].forward(attended), x), x);
  }
}

class MidBlock extends Module {
  readonly resnets: readonly [ResnetBlock2D, ResnetBlock2D];
  readonly attentions: readonly PixelAttention[];

  constructor(channels: number, options: AutoencoderOptions) {
    super();
    this.resnets = [resnet(channels, channels, options), resnet(channels, channels, options)];
    this.attentions = options.midBlockAttention ? [new PixelAttention(channels, options.groups)] : [];
  }

  override get pythonClass(): string {
    return 'UNetMidBlock2D';
  }

  forward(x: Value): Value {
    const first = runSegment(this.resnets[0], x);
    return runSegment(
      this.resnets[1],
      this.attentions.reduce<Value>((h, block) => runSegment(block, h), first),
    );
  }
}

class DownEncoderBlock2D extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly downsamplers: readonly Downsample2D[];

  constructor(inChannels: number, outChannels: number, last: boolean, options: AutoencoderOptions) {
    super();
    this.resnets = Array.from({ length: options.layersPerBlock }, (_, i) =>
      resnet(i === 0 ? inChannels : outChannels, outChannels, options),
    );
    this.downsamplers = last ? [] : [new Downsample2D(outChannels, 0)];
  }

  forward(x: Value): Value {
    return [...this.resnets, ...this.downsamplers].reduce<Value>((h, block) => runSegment(block, h), x);
  }
}

class UpDecoderBlock2D extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly upsamplers: readonly Upsample2D[];

  constructor(inChannels: number, outChannels: number, last: boolean, options: AutoencoderOptions) {
    super();
    this.resnets = Array.from({ length: options.layersPerBlock + 1 }, (_, i) =>
      resnet(i === 0 ? inChannels : outChannels, outChannels, options),
    );
    this.upsamplers = last ? [] : [new Upsample2D(outChannels)];
  }

  forward(x: Value): Value {
    return [...this.resnets, ...this.upsamplers].reduce<Value>((h, block) => runSegment(block, h), x);
  }
}

class Encoder extends Module {
  readonly conv_in: Conv2d;
  readonly down_blocks: readonly DownEncoderBlock2D[];
  readonly mid_block: MidBlock;
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Conv2d;
  readonly #activation: ActivationName;

  constructor(options: AutoencoderOptions) {
    super();
    const channels = options.blockOutChannels;
    const deepest = channels.at(-1) as number;
    this.conv_in = new Conv2d(options.inChannels, channels[0] as number, 3, { padding: 1 });
    this.down_blocks = channels.map(
      (size, i) =>
        new DownEncoderBlock2D(channels[Math.max(0, i - 1)] as number, size, i === channels.length - 1, options),
    );
    this.mid_block = new MidBlock(deepest, options);
    this.conv_norm_out = new GroupNorm(options.groups, deepest, EPSILON);
    this.conv_out = new Conv2d(deepest, 2 * options.latentChannels, 3, { padding: 1 });
    this.#activation = options.activation;
  }

  forward(x: Value): Value {
    const down = this.down_blocks.reduce<Value>((h, block) => block.forward(h), runSegment(this.conv_in, x));
    return convOut(this, this.mid_block.forward(down), this.#activation);
  }
}

class Decoder extends Module {
  readonly conv_in: Conv2d;
  readonly mid_block: MidBlock;
  readonly up_blocks: readonly UpDecoderBlock2D[];
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Conv2d;
  readonly #activation: ActivationName;

  constructor(options: AutoencoderOptions) {
    super();
    const channels = options.decoderOutChannels.toReversed();
    const [deepest, shallowest] = [channels[0] as number, channels.at(-1) as number];
    this.conv_in = new Conv2d(options.latentChannels, deepest, 3, { padding: 1 });
    this.mid_block = new MidBlock(deepest, options);
    this.up_blocks = channels.map(
      (size, i) =>
        new UpDecoderBlock2D(channels[Math.max(0, i - 1)] as number, size, i === channels.length - 1, options),
    );
    this.conv_norm_out = new GroupNorm(options.groups, shallowest, EPSILON);
    this.conv_out = new Conv2d(shallowest, options.outChannels, 3, { padding: 1 });
    this.#activation = options.activation;
  }

  forward(z: Value): Value {
    const middle = this.mid_block.forward(runSegment(this.conv_in, z));
    return convOut(
      this,
      this.up_blocks.reduce<Value>((h, block) => block.forward(h), middle),
      this.#activation,
    );
  }
}

/**
 * The variational autoencoder of latent diffusion (source: diffusers models/autoencoders/autoencoder_kl.py).
 *
 * - `decode({ z })`, float32 [n, latent channels, h, w], already divided by the scaling factor → `sample` [n, 3, 8h, 8w] in about [-1, 1].
 * - `encode({ x })`, float32 [n, 3, H, W] in [-1, 1] → `moments` [n, 2 · latent channels, H/8, W/8], the mean and then the log variance.
 *
 * (8 stands for 2 to the number of blocks less one.)
 */
export class AutoencoderKL extends Model {
  static readonly componentName = 'vae';
  readonly className: string = 'AutoencoderKL';
  readonly config: ModelConfig;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly quant_conv: Conv2d | undefined;
  readonly post_quant_conv: Conv2d | undefined;
  readonly entries: Readonly<Record<string, ModelEntry>>;

  protected constructor(config: ModelConfig, options: AutoencoderOptions) {
    super();
    const { latentChannels, inChannels, blockOutChannels, quant, postQuant } = options;
    const [height, width] = options.sampleSize;
    const latentSize = (size: number): number => Math.max(1, Math.round(size / 2 ** (blockOutChannels.length - 1)));
    this.config = config;
    this.encoder = new Encoder(options);
    this.decoder = new Decoder(options);
    this.quant_conv = quant ? new Conv2d(2 * latentChannels, 2 * latentChannels, 1) : undefined;
    this.post_quant_conv = postQuant ? new Conv2d(latentChannels, latentChannels, 1) : undefined;
    this.entries = {
      decode: {
        inputs: { z: { types: ['float32'], dims: ['batch', latentChannels, 'latentHeight', 'latentWidth'] } },
        nominal: { latentHeight: latentSize(height), latentWidth: latentSize(width) },
        outputs: ['sample'],
        forward: ({ z }) => ({ sample: this.decoder.forward(optional(this.post_quant_conv, z as Value)) }),
      },
      encode: {
        inputs: { x: { types: ['float32'], dims: ['batch', inChannels, 'height', 'width'] } },
        nominal: { height, width },
        outputs: ['moments'],
        forward: ({ x }) => ({ moments: optional(this.quant_conv, this.encoder.forward(x as Value)) }),
      },
      ...this.moreEntries(options),
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<AutoencoderKL>> {
    return loadPretrained('AutoencoderKL', AutoencoderKL.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): AutoencoderKL {
    return new AutoencoderKL(config, readAutoencoder(new ConfigReader('AutoencoderKL', config)));
  }

  /** What a relative has beside these two; asked for before its own parts are there. */
  protected moreEntries(_options: AutoencoderOptions): Readonly<Record<string, ModelEntry>> {
    return {};
  }

  override keyAliases(key: string): readonly string[] {
    const pair = OLD_ATTENTION_KEYS.find(([name]) => key.includes(`.attentions.0${name}`));
    return pair === undefined ? [] : [key.replace(pair[0], pair[1])];
  }
}

/** The options in a `config.json`. @throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field */
export function readAutoencoder(reader: ConfigReader): AutoencoderOptions {
  const blockOutChannels = reader.sizes('block_out_channels', undefined, [64]);
  const count = blockOutChannels.length;
  const down = reader.names('down_block_types', ['DownEncoderBlock2D'], ['DownEncoderBlock2D']);
  const up = reader.names('up_block_types', ['UpDecoderBlock2D'], ['UpDecoderBlock2D']);
  if (down.length !== count)
    reader.unsupported('down_block_types', down, `${count} blocks, one for each of block_out_channels`);
  if (up.length !== count)
    reader.unsupported('up_block_types', up, `${count} blocks, one for each of block_out_channels`);
  const options: AutoencoderOptions = {
    blockOutChannels,
    decoderOutChannels: reader.sizes('decoder_block_out_channels', undefined, blockOutChannels),
    inChannels: reader.size('in_channels', 3),
    outChannels: reader.size('out_channels', 3),
    latentChannels: reader.size('latent_channels', 4),
    sampleSize: reader.sides('sample_size', 2, 64) as readonly [number, number],
    layersPerBlock: reader.count('layers_per_block', 1),
    groups: reader.size('norm_num_groups', 32),
    activation: reader.oneOf('act_fn', ACTIVATION_NAMES, 'silu'),
    midBlockAttention: reader.flag('mid_block_add_attention', true),
    quant: reader.flag('use_quant_conv', true),
    postQuant: reader.flag('use_post_quant_conv', true),
  };
  for (const size of [...blockOutChannels, ...options.decoderOutChannels]) {
    if (size % options.groups !== 0)
      reader.unsupported(
        'norm_num_groups',
        options.groups,
        `a divisor of each of block_out_channels, ${blockOutChannels.join(', ')}`,
      );
  }
  return options;
}

function resnet(inChannels: number, outChannels: number, { groups, activation }: AutoencoderOptions): ResnetBlock2D {
  return new ResnetBlock2D({ inChannels, outChannels, groups, activation, epsilon: EPSILON });
}

function runSegment(module: Module & { forward(x: Value): Value }, x: Value): Value {
  return segment(module.path, { x }, (inner) => ({ x: module.forward(inner.x) })).x;
}

function optional(conv: Conv2d | undefined, x: Value): Value {
  return conv === undefined ? x : runSegment(conv, x);
}

function convOut(coder: Encoder | Decoder, x: Value, activation: ActivationName): Value {
  return segment(coder.conv_out.path, { x }, (inner) => ({
    x: coder.conv_out.forward(ACTIVATIONS[activation](coder.conv_norm_out.forward(inner.x))),
  })).x;
}
