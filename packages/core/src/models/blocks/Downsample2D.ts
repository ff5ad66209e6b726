import { Module } from '../../graph/Module.js';
import { Conv2d, type Padding } from '../../graph/nn/Conv2d.js';
import type { Value } from '../../graph/Value.js';

/** Halves height and width by a convolution of stride 2 (source: diffusers models/downsampling.py). */
export class Downsample2D extends Module {
  readonly conv: Conv2d;

  /** `padding` 0 means one pixel at the right and at the bottom, as in the VAE's encoder. */
  constructor(channels: number, padding: number) {
    super();
    const sides: number | Padding = padding === 0 ? { top: 0, left: 0, bottom: 1, right: 1 } : padding;
    this.conv = new Conv2d(channels, channels, 3, { stride: 2, padding: sides });
  }

  forward(x: Value): Value {
    return this.conv.forward(x);
  }
}
