import { Module } from '../../graph/Module.js';
import { Conv3d } from '../../graph/nn/Conv3d.js';
import { GroupNorm } from '../../graph/nn/GroupNorm.js';
import { add, gather, mul, reshape } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { nearestFrames } from './nearestFrames.js';

const EPSILON = 1e-6;
const POINT = { time: 1, height: 1, width: 1 } as const;

/** `CogVideoXCausalConv3d` of kernel 1: it looks at no other frame, so it has nothing to remember. */
class PointConv3d extends Module {
  readonly conv: Conv3d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = new Conv3d(inChannels, outChannels, POINT);
  }

  override get pythonClass(): string {
    return 'CogVideoXCausalConv3d';
  }
}

/**
 * Group norm of [n, c, t, h, w] with a gain and a bias for each place, out of the latents (arXiv 2209.09002; source: diffusers
 * models/autoencoders/autoencoder_kl_cogvideox.py, `CogVideoXSpatialNorm3D`).
 *
 * diffusers enlarges the latents and then convolves them; a convolution of one point gives the same before, where there are far fewer points.
 */
export class SpatialNorm3D extends Module {
  readonly norm_layer: GroupNorm;
  readonly conv_y: PointConv3d;
  readonly conv_b: PointConv3d;

  constructor(channels: number, latentChannels: number, groups: number) {
    super();
    this.norm_layer = new GroupNorm(groups, channels, EPSILON);
    this.conv_y = new PointConv3d(latentChannels, channels);
    this.conv_b = new PointConv3d(latentChannels, channels);
  }

  override get pythonClass(): string {
    return 'CogVideoXSpatialNorm3D';
  }

  /** `latents` [n, latent channels, frames, h / k, w / k]. */
  forward(x: Value, latents: Value): Value {
    const [gain, shift] = [this.conv_y, this.conv_b].map(({ conv }) => condense(conv.forward(latents), x)) as [
      Value,
      Value,
    ];
    return place(add(mul(spread(this.norm_layer.forward(x), latents), gain), shift), x.dims);
  }
}

/** [n, c, t, h, w] → [n, c, t, h / k, k, w / k, k]: the pixels of one latent share axes of their own. */
function spread(x: Value, { dims: [, , , rows = 1, columns = 1] }: Value): Value {
  const [n, c, t, h, w] = x.dims as readonly [number, number, number, number, number];
  const split = [rows, h / rows, columns, w / columns];
  return reshape(x, [n, c, t, ...split], [0, 0, 0, ...split]);
}

/** What belongs to latents, once for each frame of `like`, in a shape that broadcasts to what {@link spread} gives. */
function condense(x: Value, like: Value): Value {
  const frames = gather(x, 2, nearestFrames(x.dim(2), like.dim(2)));
  const [n, c, t, h, w] = frames.dims as readonly [number, number, number, number, number];
  return reshape(frames, [n, c, t, h, 1, w, 1], [0, 0, 0, h, 1, w, 1]);
}

function place(x: Value, dims: readonly number[]): Value {
  return reshape(x, dims, [0, 0, ...dims.slice(2)]);
}
