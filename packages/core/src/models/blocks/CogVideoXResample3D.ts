import { Module } from '../../graph/Module.js';
import { Conv3d } from '../../graph/nn/Conv3d.js';
import { averagePoolFrames, concat, gather, reshape, slice, upscaleNearest } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { nearestFrames } from './nearestFrames.js';

const IN_FRAME = { time: 1, height: 3, width: 3 } as const;

/** Halves height and width, and the number of frames by their mean (source: diffusers models/downsampling.py, `CogVideoXDownsample3D`). */
export class CogVideoXDownsample3D extends Module {
  readonly conv: Conv3d;
  readonly #compressTime: boolean;

  constructor(channels: number, compressTime: boolean) {
    super();
    this.conv = new Conv3d(channels, channels, IN_FRAME, {
      stride: { time: 1, height: 2, width: 2 },
      padding: { time: 0, height: 0, width: 0 },
      paddingEnd: { time: 0, height: 1, width: 1 },
      weightShape: [channels, channels, 3, 3],
    });
    this.#compressTime = compressTime;
  }

  forward(x: Value): Value {
    return this.conv.forward(this.#compressTime ? halveFrames(x) : x);
  }
}

/** Doubles height and width, and the number of frames, by copies; then convolves (source: diffusers models/upsampling.py, `CogVideoXUpsample3D`). */
export class CogVideoXUpsample3D extends Module {
  readonly conv: Conv3d;
  readonly #compressTime: boolean;

  constructor(channels: number, compressTime: boolean) {
    super();
    this.conv = new Conv3d(channels, channels, IN_FRAME, {
      padding: { time: 0, height: 1, width: 1 },
      weightShape: [channels, channels, 3, 3],
    });
    this.#compressTime = compressTime;
  }

  forward(x: Value): Value {
    const frames = x.dim(2);
    const more = frames % 2 === 1 ? 2 * frames - 1 : 2 * frames;
    return this.conv.forward(enlarge(this.#compressTime && frames > 1 ? gather(x, 2, nearestFrames(frames, more)) : x));
  }
}

/** Means of pairs of frames; of an odd number the first stays as it is. */
function halveFrames(x: Value): Value {
  const frames = x.dim(2);
  if (frames % 2 === 0) return averagePoolFrames(x, 2);
  return frames === 1 ? x : concat([slice(x, 2, 0, 1), averagePoolFrames(slice(x, 2, 1, frames), 2)], 2);
}

/** Each pixel of [n, c, t, h, w] four times. Frames count as channels, because the runtime has a fast way for pictures. */
function enlarge(x: Value): Value {
  const [n, c, t, h, w] = x.dims as readonly [number, number, number, number, number];
  const larger = upscaleNearest(reshape(x, [n, c * t, h, w], [0, c * t, h, w]), 2);
  return reshape(larger, [n, c, t, 2 * h, 2 * w], [0, c, t, 2 * h, 2 * w]);
}
