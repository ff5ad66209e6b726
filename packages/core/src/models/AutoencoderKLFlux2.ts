import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { Module } from '../graph/Module.js';
import { add, builderOf, mul, reshape, transpose } from '../graph/operations.js';
import { Parameter } from '../graph/Parameter.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { AutoencoderKL, type AutoencoderOptions, readAutoencoder } from './AutoencoderKL.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import type { ModelEntry } from './Model.js';

/** Latents of a patch, on each side. */
const PATCH = 2;

/** The statistics of `torch.nn.BatchNorm2d` without gain and bias. */
class BatchNorm2d extends Module {
  readonly running_mean: Parameter;
  readonly running_var: Parameter;
  readonly #epsilon: number;

  constructor(channels: number, epsilon: number) {
    super();
    this.running_mean = new Parameter([channels]);
    this.running_var = new Parameter([channels]);
    this.#epsilon = epsilon;
  }

  /** (x - mean) / deviation, of [n, channels, h, w]. */
  forward(x: Value): Value {
    const away = builderOf(x).emit('Sub', [x, this.#mean(x)], { dims: x.dims });
    return builderOf(x).emit('Div', [away, this.#deviation(x)], { dims: x.dims });
  }

  /** x · deviation + mean. */
  backward(x: Value): Value {
    return add(mul(x, this.#deviation(x)), this.#mean(x));
  }

  #mean(x: Value): Value {
    return this.running_mean.in(x, [1, x.dim(1), 1, 1]);
  }

  #deviation(x: Value): Value {
    const builder = builderOf(x);
    const variance = this.running_var.in(x, [1, x.dim(1), 1, 1]);
    const safe = add(variance, builder.constant('float32', [], [this.#epsilon]));
    return builder.emit('Sqrt', [safe], { dims: safe.dims });
  }
}

/**
 * The autoencoder of FLUX.2 (source: diffusers models/autoencoders/autoencoder_kl_flux2.py). As {@link AutoencoderKL}; in place of a scaling factor each of the channels of a patch of 2 × 2 latents
 * has a mean and a deviation.
 *
 * - `normalize({ z })`, float32 `[n, c, h, w]` → `latents` of shape `[n, 4c, h/2, w/2]`, as the denoiser takes them; channel 4c + 2 · row + column.
 * - `denormalize({ latents })` → `z`: as they are decoded.
 */
export class AutoencoderKLFlux2 extends AutoencoderKL {
  override readonly className: string = 'AutoencoderKLFlux2';
  readonly bn: BatchNorm2d;

  private constructor(config: ModelConfig, options: AutoencoderOptions, epsilon: number) {
    super(config, options);
    this.bn = new BatchNorm2d(PATCH * PATCH * options.latentChannels, epsilon);
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static override async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<AutoencoderKLFlux2>> {
    return loadPretrained('AutoencoderKLFlux2', AutoencoderKLFlux2.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static override fromConfig(config: ModelConfig): AutoencoderKLFlux2 {
    const reader = new ConfigReader('AutoencoderKLFlux2', config);
    const patch = reader.sizes('patch_size', 2, [PATCH, PATCH]);
    if (patch.some((size) => size !== PATCH)) reader.unsupported('patch_size', patch, `[${PATCH}, ${PATCH}]`);
    return new AutoencoderKLFlux2(config, readAutoencoder(reader), reader.number('batch_norm_eps', 1e-4));
  }

  protected override moreEntries({
    latentChannels: channels,
  }: AutoencoderOptions): Readonly<Record<string, ModelEntry>> {
    return {
      normalize: {
        inputs: { z: { types: ['float32'], dims: ['batch', channels, 'latentHeight', 'latentWidth'] } },
        nominal: { latentHeight: 128, latentWidth: 128 },
        outputs: ['latents'],
        forward: ({ z }) =>
          segment(this.bn.path, { z: z as Value }, (inner) => ({ latents: this.bn.forward(patchify(inner.z)) })),
      },
      denormalize: {
        inputs: { latents: { types: ['float32'], dims: ['batch', PATCH * PATCH * channels, 'height', 'width'] } },
        nominal: { height: 64, width: 64 },
        outputs: ['z'],
        forward: ({ latents }) =>
          segment(this.bn.path, { latents: latents as Value }, (inner) => ({
            z: unpatchify(this.bn.backward(inner.latents)),
          })),
      },
    };
  }
}

/** [n, c, h, w] → [n, 4c, h/2, w/2]. */
function patchify(x: Value): Value {
  const [n, c, height, width] = x.dims as readonly [number, number, number, number];
  const [rows, columns] = [height / PATCH, width / PATCH];
  const pieces = transpose(reshape(x, [n, c, rows, PATCH, columns, PATCH]), [0, 1, 3, 5, 2, 4]);
  return reshape(pieces, [n, PATCH * PATCH * c, rows, columns]);
}

/** [n, 4c, h, w] → [n, c, 2h, 2w]. */
function unpatchify(x: Value): Value {
  const [n, channels, rows, columns] = x.dims as readonly [number, number, number, number];
  const c = channels / (PATCH * PATCH);
  const pieces = transpose(reshape(x, [n, c, PATCH, PATCH, rows, columns]), [0, 1, 4, 2, 5, 3]);
  return reshape(pieces, [n, c, rows * PATCH, columns * PATCH]);
}
