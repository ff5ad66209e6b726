import { Module } from '../../graph/Module.js';
import { Conv2d } from '../../graph/nn/Conv2d.js';
import { GroupNorm } from '../../graph/nn/GroupNorm.js';
import { Linear } from '../../graph/nn/Linear.js';
import { add, builderOf, expandRank, mul, scale } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { ACTIVATIONS, type ActivationName } from './activation.js';

/** Options of a {@link ResnetBlock2D}. */
export interface ResnetOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Width of the time embedding; absent where there is none (VAE). */
  readonly timeChannels?: number | undefined;
  readonly groups: number;
  readonly epsilon: number;
  readonly activation: ActivationName;
  /** How the time embedding enters: added, or as scale and shift of the second norm. */
  readonly timeScaleShift?: 'default' | 'scale_shift' | undefined;
  readonly outputScaleFactor?: number | undefined;
}

/** Residual block on [n, c, h, w] (source: diffusers models/resnet.py). */
export class ResnetBlock2D extends Module {
  readonly norm1: GroupNorm;
  readonly conv1: Conv2d;
  readonly time_emb_proj: Linear | undefined;
  readonly norm2: GroupNorm;
  readonly conv2: Conv2d;
  readonly conv_shortcut: Conv2d | undefined;
  readonly #options: ResnetOptions;

  constructor(options: ResnetOptions) {
    super();
    const { inChannels, outChannels, timeChannels, groups, epsilon } = options;
    this.norm1 = new GroupNorm(groups, inChannels, epsilon);
    this.conv1 = new Conv2d(inChannels, outChannels, 3, { padding: 1 });
    this.time_emb_proj =
      timeChannels === undefined
        ? undefined
        : new Linear(timeChannels, options.timeScaleShift === 'scale_shift' ? 2 * outChannels : outChannels);
    this.norm2 = new GroupNorm(groups, outChannels, epsilon);
    this.conv2 = new Conv2d(outChannels, outChannels, 3, { padding: 1 });
    this.conv_shortcut = inChannels === outChannels ? undefined : new Conv2d(inChannels, outChannels, 1);
    this.#options = options;
  }

  /** `temb` [n or 1, timeChannels]. */
  forward(x: Value, temb?: Value): Value {
    const act = ACTIVATIONS[this.#options.activation];
    const first = this.conv1.forward(act(this.norm1.forward(x)));
    const second = this.conv2.forward(act(this.#condition(first, temb)));
    const shortcut = this.conv_shortcut?.forward(x) ?? x;
    const { outputScaleFactor = 1 } = this.#options;
    return outputScaleFactor === 1 ? add(shortcut, second) : scale(add(shortcut, second), 1 / outputScaleFactor);
  }

  #condition(h: Value, temb: Value | undefined): Value {
    if (temb === undefined || this.time_emb_proj === undefined) return this.norm2.forward(h);
    const activated = ACTIVATIONS[this.#options.activation](temb);
    const channels = this.#options.outChannels;
    if (this.#options.timeScaleShift !== 'scale_shift')
      return this.norm2.forward(add(h, expandRank(this.time_emb_proj.forward(activated), 4)));
    const gain = expandRank(this.time_emb_proj.forwardRows(activated, 0, channels), 4);
    const shift = expandRank(this.time_emb_proj.forwardRows(activated, channels, channels), 4);
    return add(mul(this.norm2.forward(h), add(gain, builderOf(h).constant('float32', [], [1]))), shift);
  }
}
