import { Module } from '../../graph/Module.js';
import { Conv3d } from '../../graph/nn/Conv3d.js';
import { GroupNorm } from '../../graph/nn/GroupNorm.js';
import { add } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { ACTIVATIONS, type ActivationName } from './activation.js';
import { CausalConv3d, type ConvCache } from './CausalConv3d.js';
import { SpatialNorm3D } from './SpatialNorm3D.js';

const POINT = { time: 1, height: 1, width: 1 } as const;

interface ResnetSizes {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels of the latents that the norms look at; absent in the encoder. */
  readonly latentChannels?: number;
}

interface NormOptions {
  readonly groups: number;
  readonly epsilon: number;
  readonly activation: ActivationName;
}

/** Residual block on [n, c, t, h, w]. */
export class CogVideoXResnetBlock3D extends Module {
  readonly norm1: GroupNorm | SpatialNorm3D;
  readonly conv1: CausalConv3d;
  readonly norm2: GroupNorm | SpatialNorm3D;
  readonly conv2: CausalConv3d;
  readonly conv_shortcut: Conv3d | undefined;
  readonly #activation: ActivationName;

  constructor({ inChannels, outChannels, latentChannels }: ResnetSizes, { groups, epsilon, activation }: NormOptions) {
    super();
    const norm = (channels: number): GroupNorm | SpatialNorm3D =>
      latentChannels === undefined
        ? new GroupNorm(groups, channels, epsilon)
        : new SpatialNorm3D(channels, latentChannels, groups);
    this.norm1 = norm(inChannels);
    this.conv1 = new CausalConv3d(inChannels, outChannels);
    this.norm2 = norm(outChannels);
    this.conv2 = new CausalConv3d(outChannels, outChannels);
    this.conv_shortcut = inChannels === outChannels ? undefined : new Conv3d(inChannels, outChannels, POINT);
    this.#activation = activation;
  }

  forward(x: Value, latents: Value | undefined, cache: ConvCache): Value {
    const act = ACTIVATIONS[this.#activation];
    const first = this.conv1.forward(act(normalize(this.norm1, x, latents)), cache);
    const second = this.conv2.forward(act(normalize(this.norm2, first, latents)), cache);
    return add(second, this.conv_shortcut?.forward(x) ?? x);
  }
}

/** A norm, of which one kind looks at the latents. */
export function normalize(norm: GroupNorm | SpatialNorm3D, x: Value, latents: Value | undefined): Value {
  return norm instanceof SpatialNorm3D ? norm.forward(x, latents as Value) : norm.forward(x);
}
