import { Module } from '../Module.js';
import { builderOf } from '../operations.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** Padding of the four borders, in pixels. */
export interface Padding {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** `torch.nn.Conv2d` on [n, c, h, w]; `padding` may be asymmetric, as before the downsampling convolution of the VAE; `bias` is true by default. */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #kernel: number;
  readonly #stride: number;
  readonly #padding: Padding;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number,
    options: {
      stride?: number | undefined;
      padding?: number | Padding | undefined;
      bias?: boolean | undefined;
    } = {},
  ) {
    super();
    const { stride = 1, padding = 0 } = options;
    this.weight = new Parameter([outChannels, inChannels, kernel, kernel]);
    this.bias = options.bias === false ? undefined : new Parameter([outChannels]);
    this.#kernel = kernel;
    this.#stride = stride;
    this.#padding =
      typeof padding === 'number' ? { top: padding, left: padding, bottom: padding, right: padding } : padding;
  }

  forward(x: Value): Value {
    const { top, left, bottom, right } = this.#padding;
    const size = (length: number, pads: number): number =>
      Math.floor((length + pads - this.#kernel) / this.#stride) + 1;
    const dims = [x.dim(0), this.weight.shape[0] as number, size(x.dim(2), top + bottom), size(x.dim(3), left + right)];
    return builderOf(x).emit(
      'Conv',
      [x, this.weight.in(x), ...(this.bias === undefined ? [] : [this.bias.in(x)])],
      { dims },
      {
        kernel_shape: { ints: [this.#kernel, this.#kernel] },
        strides: { ints: [this.#stride, this.#stride] },
        pads: { ints: [top, left, bottom, right] },
      },
    );
  }
}
