import { Module } from '../../graph/Module.js';
import { Conv3d } from '../../graph/nn/Conv3d.js';
import { concat, slice } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

const KERNEL = 3;

/** The frames before a piece of a video that its causal convolutions reach back to: by name of the convolution. */
export interface ConvCache {
  /** What the piece before left, if there was one. */
  readonly before: Readonly<Record<string, Value | undefined>>;
  /** What this piece leaves for the next. */
  readonly after: Record<string, Value>;
}

/**
 * A 3×3×3 convolution on [n, c, t, h, w] that looks at no later frame: two frames come before the first one, those that ended the piece before,
 * or else copies of the first (source: diffusers models/autoencoders/autoencoder_kl_cogvideox.py, `CogVideoXCausalConv3d`).
 */
export class CausalConv3d extends Module {
  readonly conv: Conv3d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = new Conv3d(
      inChannels,
      outChannels,
      { time: KERNEL, height: KERNEL, width: KERNEL },
      { padding: { time: 0, height: 1, width: 1 } },
    );
  }

  override get pythonClass(): string {
    return 'CogVideoXCausalConv3d';
  }

  forward(x: Value, { before, after }: ConvCache): Value {
    const first = (): Value => slice(x, 2, 0, 1);
    const cached = before[this.path];
    const padded = concat(cached === undefined ? [first(), first(), x] : [cached, x], 2);
    after[this.path] = slice(padded, 2, 1 - KERNEL, padded.dim(2));
    return this.conv.forward(padded);
  }
}
