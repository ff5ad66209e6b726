import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { Module } from '../graph/Module.js';
import { Conv2d } from '../graph/nn/Conv2d.js';
import { add, builderOf, relu, scale, tanh, upscaleNearest } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ACTIVATION_NAMES, ACTIVATIONS, type ActivationName } from './blocks/activation.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry } from './Model.js';

/** What latents are squashed to before they are decoded, whatever `latent_magnitude` says: that is for storing them as pictures. */
const MAGNITUDE = 3;

/** Height and width that the entry points are built for before the first call: those of Stable Diffusion 1.5. */
const NOMINAL_SIZE = 512;

/** What the fields that other parts look at are where a config leaves them out. */
const DEFAULTS = { latent_channels: 4, scaling_factor: 1, shift_factor: 0, force_upcast: false } as const;

interface TinyOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Channels of all levels. */
  readonly encoderWidth: number;
  readonly decoderWidth: number;
  /** Blocks of each level. */
  readonly encoderBlocks: readonly number[];
  readonly decoderBlocks: readonly number[];
  readonly activation: ActivationName;
}

/** Three convolutions with a residual around them. */
class AutoencoderTinyBlock extends Module {
  /** torch's `Sequential`: its activations have no parameters, so their places are empty. */
  readonly conv: readonly [Conv2d, undefined, Conv2d, undefined, Conv2d];
  readonly #activation: ActivationName;

  constructor(channels: number, activation: ActivationName) {
    super();
    const conv = (): Conv2d => new Conv2d(channels, channels, 3, { padding: 1 });
    this.conv = [conv(), undefined, conv(), undefined, conv()];
    this.#activation = activation;
  }

  forward(x: Value): Value {
    const [first, , second, , third] = this.conv;
    const active = ACTIVATIONS[this.#activation];
    return relu(add(third.forward(active(second.forward(active(first.forward(x))))), x));
  }
}

/** A layer with parameters, and what is computed in its segment: itself, with those without parameters beside it. */
interface Step {
  readonly layer: Conv2d | AutoencoderTinyBlock;
  readonly forward: (x: Value) => Value;
}

class EncoderTiny extends Module {
  readonly layers: readonly Step['layer'][];
  readonly #steps: readonly Step[];

  constructor({ inChannels, latentChannels, encoderWidth: width, encoderBlocks, activation }: TinyOptions) {
    super();
    const first = new Conv2d(inChannels, width, 3, { padding: 1 });
    const last = new Conv2d(width, latentChannels, 3, { padding: 1 });
    const levels = encoderBlocks.flatMap((count, level) => [
      ...(level === 0 ? [] : [new Conv2d(width, width, 3, { stride: 2, padding: 1, bias: false })]),
      ...Array.from({ length: count }, () => new AutoencoderTinyBlock(width, activation)),
    ]);
    this.layers = [first, ...levels, last];
    this.#steps = [
      { layer: first, forward: (x) => first.forward(scale(plus(x, 1), 0.5)) },
      ...[...levels, last].map((layer) => ({ layer, forward: (x: Value) => layer.forward(x) })),
    ];
  }

  /** Pixels in [-1, 1] → latents. */
  forward(x: Value): Value {
    return runSteps(this.#steps, x);
  }
}

class DecoderTiny extends Module {
  /** torch's `Sequential`: the places of the activation and the upsamplers are empty. */
  readonly layers: readonly (Step['layer'] | undefined)[];
  readonly #steps: readonly Step[];

  constructor({ outChannels, latentChannels, decoderWidth: width, decoderBlocks, activation }: TinyOptions) {
    super();
    const active = ACTIVATIONS[activation];
    const first = new Conv2d(latentChannels, width, 3, { padding: 1 });
    const last = new Conv2d(width, outChannels, 3, { padding: 1 });
    const layers: (Step['layer'] | undefined)[] = [first, undefined];
    const steps: Step[] = [{ layer: first, forward: (z) => active(first.forward(squash(z))) }];
    for (const [level, count] of decoderBlocks.entries()) {
      if (level > 0) {
        const conv = new Conv2d(width, width, 3, { padding: 1, bias: false });
        layers.push(undefined, conv);
        steps.push({ layer: conv, forward: (x) => conv.forward(upscaleNearest(x, 2)) });
      }
      const blocks = Array.from({ length: count }, () => new AutoencoderTinyBlock(width, activation));
      layers.push(...blocks);
      steps.push(...blocks.map((layer) => ({ layer, forward: (x: Value) => layer.forward(x) })));
    }
    this.layers = [...layers, last];
    this.#steps = [...steps, { layer: last, forward: (x) => plus(scale(last.forward(x), 2), -1) }];
  }

  /** Latents → pixels in about [-1, 1]. */
  forward(z: Value): Value {
    return runSteps(this.#steps, z);
  }
}

/**
 * A small autoencoder that makes about the pictures of a large one, much faster: TAESD, TAESDXL, and those with 16 latent channels (source: diffusers models/autoencoders/autoencoder_tiny.py;
 * weights: "Tiny AutoEncoder for Stable Diffusion").
 *
 * - `decode({ z })`, float32 [n, latent channels, h, w], already divided by the scaling factor → `sample` [n, 3, 8h, 8w] in about [-1, 1].
 * - `encode({ x })`, float32 [n, 3, H, W] in [-1, 1] → `latents` [n, latent channels, H/8, W/8] themselves, not a distribution.
 *
 * (8 stands for 2 to the number of levels less one.)
 */
export class AutoencoderTiny extends Model {
  static readonly componentName = 'vae';
  readonly className = 'AutoencoderTiny';
  /** With the defaults of the fields that other parts look at. */
  readonly config: ModelConfig;
  readonly encoder: EncoderTiny;
  readonly decoder: DecoderTiny;
  readonly entries: Readonly<Record<string, ModelEntry>>;

  private constructor(config: ModelConfig, options: TinyOptions) {
    super();
    const { latentChannels, inChannels, decoderBlocks, decoderWidth } = options;
    const nominal = Math.ceil(NOMINAL_SIZE / 2 ** (decoderBlocks.length - 1));
    this.config = { ...DEFAULTS, block_out_channels: decoderBlocks.map(() => decoderWidth), ...config };
    this.encoder = new EncoderTiny(options);
    this.decoder = new DecoderTiny(options);
    this.entries = {
      decode: {
        inputs: { z: { types: ['float32'], dims: ['batch', latentChannels, 'latentHeight', 'latentWidth'] } },
        nominal: { latentHeight: nominal, latentWidth: nominal },
        outputs: ['sample'],
        forward: ({ z }) => ({ sample: this.decoder.forward(z as Value) }),
      },
      encode: {
        inputs: { x: { types: ['float32'], dims: ['batch', inChannels, 'height', 'width'] } },
        nominal: { height: NOMINAL_SIZE, width: NOMINAL_SIZE },
        outputs: ['latents'],
        forward: ({ x }) => ({ latents: this.encoder.forward(x as Value) }),
      },
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<AutoencoderTiny>> {
    return loadPretrained('AutoencoderTiny', AutoencoderTiny.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): AutoencoderTiny {
    const reader = new ConfigReader('AutoencoderTiny', config);
    reader.only('upsample_fn', 'nearest');
    reader.only('upsampling_scaling_factor', 2);
    const encoderBlocks = reader.counts('num_encoder_blocks', undefined, [1, 3, 3, 3]);
    const levels = encoderBlocks.length;
    const width = (field: string): number => {
      const [first = 64, ...others] = reader.sizes(field, levels, 64);
      if (others.some((other) => other !== first))
        reader.unsupported(field, [first, ...others], 'one width for all levels');
      return first;
    };
    return new AutoencoderTiny(config, {
      inChannels: reader.size('in_channels', 3),
      outChannels: reader.size('out_channels', 3),
      latentChannels: reader.size('latent_channels', DEFAULTS.latent_channels),
      encoderWidth: width('encoder_block_out_channels'),
      decoderWidth: width('decoder_block_out_channels'),
      encoderBlocks,
      decoderBlocks: reader.counts('num_decoder_blocks', levels, levels === 4 ? [3, 3, 3, 1] : undefined),
      activation: reader.oneOf('act_fn', ACTIVATION_NAMES, 'relu'),
    });
  }
}

function runSteps(steps: readonly Step[], x: Value): Value {
  return steps.reduce(
    (h, { layer, forward }) => segment(layer.path, { x: h }, (inner) => ({ x: forward(inner.x) })).x,
    x,
  );
}

/** Brings latents softly into ±{@link MAGNITUDE}. */
function squash(z: Value): Value {
  return scale(tanh(scale(z, 1 / MAGNITUDE)), MAGNITUDE);
}

function plus(x: Value, addend: number): Value {
  return add(x, builderOf(x).constant('float32', [], [addend]));
}
