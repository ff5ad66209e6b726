import type { LoadPretrainedOptions, PretrainedModel } from '@thimble/core';
import {
  add,
  builderOf,
  ConfigReader,
  Conv2d,
  DOWN_RESIDUAL,
  gather,
  loadPretrained,
  MID_RESIDUAL,
  type ModelConfig,
  type ModelEntry,
  mul,
  readUNetOptions,
  residualInputs,
  residualSizes,
  scale,
  segment,
  slice,
  UNetEncoder,
  type UNetOptions,
  type Value,
} from '@thimble/core/model';
import { ControlNetConditioningEmbedding } from './ControlNetConditioningEmbedding.js';
import { isFile, openControlNetFile } from './openControlNetFile.js';

/** What the names of the outputs begin with that belong to a UNet's `down_block_additional_residuals`; their numbers follow. */
export const DOWN_SAMPLE = 'down_block_res_samples.';
/** The output that belongs to a UNet's `mid_block_additional_residual`. */
export const MID_SAMPLE = 'mid_block_res_sample';

const CHANNEL_ORDERS = ['rgb', 'bgr'] as const;

/** What a ControlNet has beside a UNet's way down. */
interface ControlOptions {
  readonly conditioningChannels: number;
  /** Channels of the picture's embedding, level by level. */
  readonly embeddingChannels: readonly number[];
  readonly channelOrder: (typeof CHANNEL_ORDERS)[number];
  /** Whether each residual is one number for each channel: the average. */
  readonly globalPool: boolean;
}

/**
 * A ControlNet for the UNets of Stable Diffusion 1.x, 2.x and XL (source: diffusers models/controlnets/controlnet.py).
 *
 * `call({ sample, timestep, encoder_hidden_states, controlnet_cond })` → `down_block_res_samples.N`, one for each hidden state that a UNet's way up takes back, and `mid_block_res_sample`;
 * float32, of the sizes of the UNet's `down_block_additional_residuals.N` and `mid_block_additional_residual`. `controlnet_cond` is float32 [n or 1, conditioning channels, 8 h, 8 w] in [0, 1];
 * the other inputs are the UNet's. `conditioning_scale`, float32 [residuals], is what each is multiplied by, the mid block's last; by default 1. Residuals under the UNet's names, `down_block_additional_residuals.N` and
 * `mid_block_additional_residual`, such as another ControlNet's, are added to its own.
 */
export class ControlNetModel extends UNetEncoder {
  static readonly componentName = 'controlnet';
  readonly className = 'ControlNetModel';
  readonly controlnet_cond_embedding: ControlNetConditioningEmbedding;
  readonly controlnet_down_blocks: readonly Conv2d[];
  readonly controlnet_mid_block: Conv2d;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  /** Pixels of the picture for each latent, on each side. */
  readonly conditioningFactor: number;
  /** See {@link ControlOptions.globalPool}. */
  readonly globalPoolConditions: boolean;
  readonly #channelOrder: ControlOptions['channelOrder'];

  private constructor(config: ModelConfig, options: UNetOptions, control: ControlOptions) {
    super(config, options);
    const first = options.blockOutChannels[0] as number;
    const factor = 2 ** (control.embeddingChannels.length - 1);
    this.conditioningFactor = factor;
    this.globalPoolConditions = control.globalPool;
    this.#channelOrder = control.channelOrder;
    this.controlnet_cond_embedding = new ControlNetConditioningEmbedding(
      control.conditioningChannels,
      control.embeddingChannels,
      first,
    );
    const channels = Object.values(residualInputs(options)).map(({ dims }) => dims[1] as number);
    this.controlnet_down_blocks = channels.slice(0, -1).map((count) => new Conv2d(count, count, 1));
    this.controlnet_mid_block = new Conv2d(channels.at(-1) as number, channels.at(-1) as number, 1);
    const { inputs, derived, nominal } = this.sampleEntry;
    this.entries = {
      call: {
        inputs: {
          ...inputs,
          ...residualInputs(options),
          conditioning_scale: { types: ['float32'], dims: [channels.length], optional: true },
          controlnet_cond: {
            types: ['float32'],
            dims: ['batch', control.conditioningChannels, 'pictureHeight', 'pictureWidth'],
          },
        },
        derived: {
          ...residualSizes(options),
          ...derived,
          pictureHeight: (sizes) => factor * (sizes.get('height') as number),
          pictureWidth: (sizes) => factor * (sizes.get('width') as number),
        },
        nominal: {
          ...nominal,
          pictureHeight: factor * (nominal['height'] as number),
          pictureWidth: factor * (nominal['width'] as number),
        },
        outputs: [...this.controlnet_down_blocks.map((_, i) => `${DOWN_SAMPLE}${i}`), MID_SAMPLE],
        forward: (given) => this.#forward(given),
      },
    };
  }

  /**
   * Opens the weights of one: a folder in diffusers' layout, a hub id, or a file, with diffusers' keys or the original ones. A file's config is told by its tensors, or `config` names a folder or a hub
   * id that has one. See {@link loadPretrained}.
   *
   * @throws also ERR_CONTROLNET_FILE for a file that holds none
   */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<ControlNetModel>> {
    if (typeof folderOrId !== 'string' || !(await isFile(folderOrId)))
      return loadPretrained('ControlNetModel', ControlNetModel.fromConfig, folderOrId, options);
    const { config, revision, localFilesOnly, allowSymlinks, signal, onProgress } = options;
    const where = { revision, localFilesOnly, allowSymlinks, signal, onProgress };
    const checkpoint = await openControlNetFile(folderOrId, config, where);
    return { model: ControlNetModel.fromConfig(checkpoint.config), checkpoint, dtype: options.dtype };
  }

  /** @throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field */
  static fromConfig(config: ModelConfig): ControlNetModel {
    const reader = new ConfigReader('ControlNetModel', config);
    const options = readUNetOptions(
      { ...config, up_block_types: wayUp(config['down_block_types']) },
      'ControlNetModel',
    );
    return new ControlNetModel(config, options, {
      conditioningChannels: reader.size('conditioning_channels', 3),
      embeddingChannels: reader.sizes('conditioning_embedding_out_channels', undefined, [16, 32, 96, 256]),
      channelOrder: reader.oneOf('controlnet_conditioning_channel_order', CHANNEL_ORDERS, 'rgb'),
      globalPool: reader.flag('global_pool_conditions', false),
    });
  }

  #forward(inputs: Readonly<Record<string, Value>>): Record<string, Value> {
    const embedding = this.controlnet_cond_embedding;
    const { hint } = segment(embedding.path, { picture: inputs['controlnet_cond'] as Value }, ({ picture }) => ({
      hint: embedding.forward(this.#channelOrder === 'bgr' ? gather(picture, 1, [2, 1, 0]) : picture),
    }));
    const { states, mid } = this.encode(inputs, hint);
    const { conditioning_scale: scales } = inputs;
    const residual = (conv: Conv2d, x: Value, i: number, there: Value | undefined): Value =>
      segment(conv.path, { x, scales, there }, (inner) => {
        const scaled = conv.forward(inner.x);
        const own = inner.scales === undefined ? scaled : mul(scaled, slice(inner.scales, 0, i, i + 1));
        const made = this.globalPoolConditions ? averaged(own) : own;
        return { residual: inner.there === undefined ? made : add(inner.there, made) };
      }).residual;
    const down = this.controlnet_down_blocks.map((conv, i) => [
      `${DOWN_SAMPLE}${i}`,
      residual(conv, states[i] as Value, i, inputs[`${DOWN_RESIDUAL}${i}`]),
    ]);
    return {
      ...(Object.fromEntries(down) as Record<string, Value>),
      [MID_SAMPLE]: residual(this.controlnet_mid_block, mid, down.length, inputs[MID_RESIDUAL]),
    };
  }
}

/** The average of each channel, everywhere. */
function averaged(x: Value): Value {
  const mean = builderOf(x).emit('GlobalAveragePool', [x], { dims: [x.dim(0), x.dim(1), 1, 1] });
  return add(scale(x, 0), mean);
}

/** The blocks that a UNet with these on its way down has on its way up: the config of a ControlNet does not say. */
function wayUp(types: unknown): unknown {
  return Array.isArray(types) ? types.toReversed().map((type) => String(type).replace('Down', 'Up')) : undefined;
}
