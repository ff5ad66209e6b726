import { Module } from '../graph/Module.js';
import { GroupNorm } from '../graph/nn/GroupNorm.js';
import { silu } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ACTIVATION_NAMES, type ActivationName } from './blocks/activation.js';
import { CausalConv3d, type ConvCache } from './blocks/CausalConv3d.js';
import { CogVideoXDownsample3D, CogVideoXUpsample3D } from './blocks/CogVideoXResample3D.js';
import { CogVideoXResnetBlock3D, normalize } from './blocks/CogVideoXResnetBlock3D.js';
import { SpatialNorm3D } from './blocks/SpatialNorm3D.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry, type TilingDefaults } from './Model.js';

/** Latent frames that are decoded at once; diffusers' `num_latent_frames_batch_size`. */
const LATENT_FRAMES = 2;
/** Frames that are encoded at once; diffusers' `num_sample_frames_batch_size`. */
const SAMPLE_FRAMES = 8;
const OUT_EPSILON = 1e-6;
/** Inputs and outputs by this prefix are what passes from one piece of a video to the next. */
const CACHE = 'conv_cache.';

interface VideoAutoencoderOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Pixels of the pictures that it was trained with. */
  readonly sampleHeight: number;
  readonly sampleWidth: number;
  readonly blockOutChannels: readonly number[];
  readonly layersPerBlock: number;
  readonly groups: number;
  readonly epsilon: number;
  readonly activation: ActivationName;
  /** How many blocks change the number of frames, from the first on. */
  readonly temporalBlocks: number;
}

class CogVideoXDownBlock3D extends Module {
  readonly resnets: readonly CogVideoXResnetBlock3D[];
  readonly downsamplers: readonly CogVideoXDownsample3D[];

  constructor(options: VideoAutoencoderOptions, level: number) {
    super();
    const channels = options.blockOutChannels;
    const [inChannels, outChannels] = [channels[Math.max(0, level - 1)] as number, channels[level] as number];
    this.resnets = Array.from(
      { length: options.layersPerBlock },
      (_, i) => new CogVideoXResnetBlock3D({ inChannels: i === 0 ? inChannels : outChannels, outChannels }, options),
    );
    this.downsamplers =
      level === channels.length - 1 ? [] : [new CogVideoXDownsample3D(outChannels, level < options.temporalBlocks)];
  }

  forward(x: Value, cache: ConvCache): Value {
    const h = this.resnets.reduce((value, block) => runResnet(block, value, undefined, cache), x);
    return this.downsamplers.reduce((value, block) => runResampler(block, value), h);
  }
}

class CogVideoXMidBlock3D extends Module {
  readonly resnets: readonly CogVideoXResnetBlock3D[];

  constructor(options: VideoAutoencoderOptions, latentChannels?: number) {
    super();
    const channels = options.blockOutChannels.at(-1) as number;
    const sizes = {
      inChannels: channels,
      outChannels: channels,
      ...(latentChannels === undefined ? {} : { latentChannels }),
    };
    this.resnets = [new CogVideoXResnetBlock3D(sizes, options), new CogVideoXResnetBlock3D(sizes, options)];
  }

  forward(x: Value, latents: Value | undefined, cache: ConvCache): Value {
    return this.resnets.reduce((value, block) => runResnet(block, value, latents, cache), x);
  }
}

class CogVideoXUpBlock3D extends Module {
  readonly resnets: readonly CogVideoXResnetBlock3D[];
  readonly upsamplers: readonly CogVideoXUpsample3D[];

  /** `level` counts from the deepest block. */
  constructor(options: VideoAutoencoderOptions, level: number) {
    super();
    const channels = options.blockOutChannels.toReversed();
    const [inChannels, outChannels] = [channels[Math.max(0, level - 1)] as number, channels[level] as number];
    const { latentChannels } = options;
    this.resnets = Array.from(
      { length: options.layersPerBlock + 1 },
      (_, i) =>
        new CogVideoXResnetBlock3D(
          { inChannels: i === 0 ? inChannels : outChannels, outChannels, latentChannels },
          options,
        ),
    );
    this.upsamplers =
      level === channels.length - 1 ? [] : [new CogVideoXUpsample3D(outChannels, level < options.temporalBlocks)];
  }

  forward(x: Value, latents: Value, cache: ConvCache): Value {
    const h = this.resnets.reduce((value, block) => runResnet(block, value, latents, cache), x);
    return this.upsamplers.reduce((value, block) => runResampler(block, value), h);
  }
}

class CogVideoXEncoder3D extends Module {
  readonly conv_in: CausalConv3d;
  readonly down_blocks: readonly CogVideoXDownBlock3D[];
  readonly mid_block: CogVideoXMidBlock3D;
  readonly norm_out: GroupNorm;
  readonly conv_out: CausalConv3d;

  constructor(options: VideoAutoencoderOptions) {
    super();
    const channels = options.blockOutChannels;
    const deepest = channels.at(-1) as number;
    this.conv_in = new CausalConv3d(options.inChannels, channels[0] as number);
    this.down_blocks = channels.map((_, level) => new CogVideoXDownBlock3D(options, level));
    this.mid_block = new CogVideoXMidBlock3D(options);
    this.norm_out = new GroupNorm(options.groups, deepest, OUT_EPSILON);
    this.conv_out = new CausalConv3d(deepest, 2 * options.latentChannels);
  }

  forward(x: Value, cache: ConvCache): Value {
    const start = runConv(this.conv_in, x, cache);
    const down = this.down_blocks.reduce((h, block) => block.forward(h, cache), start);
    return runOut(this, this.mid_block.forward(down, undefined, cache), undefined, cache);
  }
}

class CogVideoXDecoder3D extends Module {
  readonly conv_in: CausalConv3d;
  readonly mid_block: CogVideoXMidBlock3D;
  readonly up_blocks: readonly CogVideoXUpBlock3D[];
  readonly norm_out: SpatialNorm3D;
  readonly conv_out: CausalConv3d;

  constructor(options: VideoAutoencoderOptions) {
    super();
    const { blockOutChannels: channels, latentChannels } = options;
    const shallowest = channels[0] as number;
    this.conv_in = new CausalConv3d(latentChannels, channels.at(-1) as number);
    this.mid_block = new CogVideoXMidBlock3D(options, latentChannels);
    this.up_blocks = channels.map((_, level) => new CogVideoXUpBlock3D(options, level));
    this.norm_out = new SpatialNorm3D(shallowest, latentChannels, options.groups);
    this.conv_out = new CausalConv3d(shallowest, options.outChannels);
  }

  forward(z: Value, cache: ConvCache): Value {
    const middle = this.mid_block.forward(runConv(this.conv_in, z, cache), z, cache);
    return runOut(
      this,
      this.up_blocks.reduce((h, block) => block.forward(h, z, cache), middle),
      z,
      cache,
    );
  }
}

/**
 * The causal 3D autoencoder of CogVideoX (source: diffusers models/autoencoders/autoencoder_kl_cogvideox.py).
 *
 * - `decode({ z })`, float32 [n, latent channels, frames, h, w], already divided by the scaling factor → `sample` [n, 3, F, 8h, 8w] in about
 *   [-1, 1]. 1 latent frame gives 1 frame, k others 4k; an even number of latent frames gives 4 for each.
 * - `encode({ x })`, float32 [n, 3, F, H, W] in [-1, 1] → `moments` [n, 2 · latent channels, frames, H/8, W/8], first the mean, then the log variance.
 *
 * Both work through the frames piece by piece, 2 latent frames or 8 frames at a time, an odd rest with the first. What a causal convolution has
 * to know of the piece before passes as outputs and inputs `conv_cache.…`. (8 stands for 2 to the number of blocks less one, 4 for
 * `temporal_compression_ratio`.)
 */
export class AutoencoderKLCogVideoX extends Model {
  static readonly componentName = 'vae';
  readonly className = 'AutoencoderKLCogVideoX';
  readonly config: ModelConfig;
  readonly encoder: CogVideoXEncoder3D;
  readonly decoder: CogVideoXDecoder3D;
  readonly entries: Readonly<Record<string, ModelEntry>>;

  private constructor(config: ModelConfig, options: VideoAutoencoderOptions) {
    super();
    const { latentChannels, inChannels, blockOutChannels } = options;
    const { sampleHeight: height, sampleWidth: width } = options;
    const latentSize = (size: number): number => Math.max(1, Math.round(size / 2 ** (blockOutChannels.length - 1)));
    this.config = config;
    this.encoder = new CogVideoXEncoder3D(options);
    this.decoder = new CogVideoXDecoder3D(options);
    this.entries = {
      decode: {
        inputs: {
          z: { types: ['float32'], dims: ['batch', latentChannels, 'latentFrames', 'latentHeight', 'latentWidth'] },
        },
        nominal: { latentHeight: latentSize(height), latentWidth: latentSize(width) },
        outputs: ['sample'],
        sequence: { axis: 2, state: CACHE, pieces: (length) => piecesOf(length, LATENT_FRAMES) },
        forward: ({ z, ...before }) =>
          withCache(before, (cache) => ({ sample: this.decoder.forward(z as Value, cache) })),
      },
      encode: {
        inputs: { x: { types: ['float32'], dims: ['batch', inChannels, 'frames', 'height', 'width'] } },
        nominal: { height, width },
        outputs: ['moments'],
        sequence: { axis: 2, state: CACHE, pieces: (length) => piecesOf(length, SAMPLE_FRAMES) },
        forward: ({ x, ...before }) =>
          withCache(before, (cache) => ({ moments: this.encoder.forward(x as Value, cache) })),
      },
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<AutoencoderKLCogVideoX>> {
    return loadPretrained('AutoencoderKLCogVideoX', AutoencoderKLCogVideoX.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): AutoencoderKLCogVideoX {
    const reader = new ConfigReader('AutoencoderKLCogVideoX', config);
    const blockOutChannels = reader.sizes('block_out_channels', undefined, [128, 256, 256, 512]);
    const count = blockOutChannels.length;
    const same = <T extends string>(name: T): T[] => Array.from({ length: count }, () => name);
    const down = reader.names('down_block_types', ['CogVideoXDownBlock3D'], same('CogVideoXDownBlock3D'));
    const up = reader.names('up_block_types', ['CogVideoXUpBlock3D'], same('CogVideoXUpBlock3D'));
    if (down.length !== count)
      reader.unsupported('down_block_types', down, `${count} blocks, one for each of block_out_channels`);
    if (up.length !== count)
      reader.unsupported('up_block_types', up, `${count} blocks, one for each of block_out_channels`);
    for (const field of ['use_quant_conv', 'use_post_quant_conv']) reader.only(field, false);
    const groups = reader.size('norm_num_groups', 32);
    for (const size of blockOutChannels) {
      if (size % groups !== 0)
        reader.unsupported(
          'norm_num_groups',
          groups,
          `a divisor of each of block_out_channels, ${blockOutChannels.join(', ')}`,
        );
    }
    return new AutoencoderKLCogVideoX(config, {
      blockOutChannels,
      groups,
      inChannels: reader.size('in_channels', 3),
      outChannels: reader.size('out_channels', 3),
      latentChannels: reader.size('latent_channels', 16),
      sampleHeight: reader.side('sample_height', 480),
      sampleWidth: reader.side('sample_width', 720),
      layersPerBlock: reader.count('layers_per_block', 3),
      epsilon: reader.number('norm_eps', 1e-6),
      activation: reader.oneOf('act_fn', ACTIVATION_NAMES, 'silu'),
      temporalBlocks: Math.floor(Math.log2(reader.size('temporal_compression_ratio', 4))),
    });
  }
  /** A quarter of the picture, with overlaps that diffusers found to work best at 720×480. */
  override get tiling(): TilingDefaults {
    const half = (field: string, fallback: number): number => Math.floor(Number(this.config[field] ?? fallback) / 2);
    return {
      height: half('sample_height', 480),
      width: half('sample_width', 720),
      overlapHeight: 1 / 6,
      overlapWidth: 1 / 5,
      frames: SAMPLE_FRAMES + 1,
    };
  }
}

/** Whole pieces of `size`, what is left over with the first. */
function piecesOf(length: number, size: number): readonly number[] {
  const count = Math.max(1, Math.floor(length / size));
  return Array.from({ length: count }, (_, i) => (i === 0 ? length - (count - 1) * size : size));
}

/** Runs `body` with the cache that came in as inputs, and adds the one that it leaves to the outputs. */
function withCache(
  inputs: Readonly<Record<string, Value>>,
  body: (cache: ConvCache) => Record<string, Value>,
): Record<string, Value> {
  const before = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name.slice(CACHE.length), value]));
  const after: Record<string, Value> = {};
  const outputs = body({ before, after });
  return { ...outputs, ...Object.fromEntries(Object.entries(after).map(([path, value]) => [CACHE + path, value])) };
}

/** A segment with causal convolutions: their caches go in beside `inputs`, and come out beside what `body` gives. */
function cachedSegment(
  name: string,
  convolutions: readonly CausalConv3d[],
  inputs: Record<string, Value | undefined>,
  cache: ConvCache,
  body: (inputs: Record<string, Value | undefined>, cache: ConvCache) => Value,
): Value {
  const port = (path: string): string => CACHE + path;
  const caches = Object.fromEntries(convolutions.map(({ path }) => [port(path), cache.before[path]]));
  const results = segment(name, { ...inputs, ...caches }, (inner) => {
    const after: Record<string, Value> = {};
    const before = Object.fromEntries(convolutions.map(({ path }) => [path, inner[port(path)]]));
    const results: Record<string, Value> = { x: body(inner, { before, after }) };
    for (const [path, value] of Object.entries(after)) results[port(path)] = value;
    return results;
  });
  for (const { path } of convolutions) cache.after[path] = results[port(path)] as Value;
  return results['x'] as Value;
}

function runResnet(block: CogVideoXResnetBlock3D, x: Value, latents: Value | undefined, cache: ConvCache): Value {
  return cachedSegment(block.path, [block.conv1, block.conv2], { x, latents }, cache, (inner, own) =>
    block.forward(inner['x'] as Value, inner['latents'], own),
  );
}

function runConv(conv: CausalConv3d, x: Value, cache: ConvCache): Value {
  return cachedSegment(conv.path, [conv], { x }, cache, (inner, own) => conv.forward(inner['x'] as Value, own));
}

function runOut(
  { norm_out: norm, conv_out: conv }: CogVideoXEncoder3D | CogVideoXDecoder3D,
  x: Value,
  latents: Value | undefined,
  cache: ConvCache,
): Value {
  return cachedSegment(conv.path, [conv], { x, latents }, cache, (inner, own) =>
    conv.forward(silu(normalize(norm, inner['x'] as Value, inner['latents'])), own),
  );
}

function runResampler(block: CogVideoXDownsample3D | CogVideoXUpsample3D, x: Value): Value {
  return segment(block.path, { x }, (inner) => ({ x: block.forward(inner.x) })).x;
}
