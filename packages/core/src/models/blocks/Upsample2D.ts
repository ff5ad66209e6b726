import { Module } from '../../graph/Module.js';
import { Conv2d } from '../../graph/nn/Conv2d.js';
import { resizeNearest, upscaleNearest } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/** Doubles height and width (nearest neighbour), or brings them to a given size, then convolves (source: diffusers models/upsampling.py). */
export class Upsample2D extends Module {
  readonly conv: Conv2d;

  constructor(channels: number) {
    super();
    this.conv = new Conv2d(channels, channels, 3, { padding: 1 });
  }

  forward(x: Value, size: readonly [height: number, width: number] = [x.dim(2) * 2, x.dim(3) * 2]): Value {
    const doubled = size[0] === x.dim(2) * 2 && size[1] === x.dim(3) * 2;
    return this.conv.forward(doubled ? upscaleNearest(x, 2) : resizeNearest(x, ...size));
  }
}
