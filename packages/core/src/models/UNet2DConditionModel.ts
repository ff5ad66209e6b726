import { Conv2d } from '../graph/nn/Conv2d.js';
import { GroupNorm } from '../graph/nn/GroupNorm.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ACTIVATIONS } from './blocks/activation.js';
import { type SkipConnection, UpBlock } from './blocks/UNetBlocks2D.js';
import type { ModelConfig } from '../fields/ConfigReader.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import type { ModelEntry } from './Model.js';
import { UNetEncoder } from './UNetEncoder.js';
import { readUNetOptions, type UNetOptions } from './UNetOptions.js';
import { imageTokenInputs } from './imageTokenInputs.js';
import { DOWN_RESIDUAL, MID_RESIDUAL, residualInputs, residualSizes } from './residualInputs.js';

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
 * `ip_hidden_states`, float32 [n, image tokens, cross-attention width], and `ip_adapter_scale`, float32 [n] or [1], are handed to the segments with cross-attention, for a graph pass of a plugin, such
 * as IPAdapterPlugin's; by themselves they change nothing.
 */
export class UNet2DConditionModel extends UNetEncoder {
  static readonly componentName = 'unet';
  readonly className = 'UNet2DConditionModel';
  override readonly skipLayerwiseCastingPatterns = ['norm'];
  readonly up_blocks: readonly UpBlock[];
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Conv2d;
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: UNetOptions;

  private constructor(config: ModelConfig, options: UNetOptions) {
    super(config, options);
    const { outChannels, blockOutChannels: channels, convOutKernel } = options;
    const first = channels[0] as number;
    this.#options = options;
    this.up_blocks = channels.map((_, level) => new UpBlock(options, level));
    this.conv_norm_out = new GroupNorm(options.groups, first, options.epsilon);
    this.conv_out = new Conv2d(first, outChannels, convOutKernel, { padding: Math.floor((convOutKernel - 1) / 2) });
    const { inputs, derived, nominal } = this.sampleEntry;
    this.entries = {
      call: {
        inputs: { ...inputs, ...residualInputs(options), ...imageTokenInputs(options) },
        derived: { ...residualSizes(options), ...derived },
        nominal,
        outputs: ['sample'],
        forward: (given) => this.#forward(given),
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
    const { states, mid, conditions } = this.encode(inputs);
    const skips = states.map((value, i): SkipConnection => ({ value, residual: inputs[`${DOWN_RESIDUAL}${i}`] }));
    let h = mid;
    for (const [i, block] of this.up_blocks.entries())
      h = block.forward(h, skips, conditions, i === 0 ? inputs[MID_RESIDUAL] : undefined);
    return segment(this.conv_out.path, { x: h }, ({ x }) => ({
      sample: this.conv_out.forward(ACTIVATIONS[this.#options.activation](this.conv_norm_out.forward(x))),
    }));
  }
}
