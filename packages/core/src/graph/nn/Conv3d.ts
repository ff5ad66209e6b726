import { checkMembers } from '../../fields/checkMembers.js';
import { Module } from '../Module.js';
import { builderOf } from '../operations.js';
import { Parameter } from '../Parameter.js';
import type { Value } from '../Value.js';

/** One number for each axis of a video. */
export interface PerAxis {
  readonly time: number;
  readonly height: number;
  readonly width: number;
}

/** Options of a {@link Conv3d}. */
export interface Conv3dOptions {
  readonly stride?: PerAxis | undefined;
  /** Zeros at both ends of each axis; `end` zeros more at its end. */
  readonly padding?: PerAxis | undefined;
  readonly paddingEnd?: PerAxis | undefined;
  /** Shape in the checkpoint, if it is another one with as many numbers: `torch.nn.Conv2d` over frames. */
  readonly weightShape?: readonly number[] | undefined;
}

const NONE: PerAxis = { time: 0, height: 0, width: 0 };
const ONE: PerAxis = { time: 1, height: 1, width: 1 };

/** `torch.nn.Conv3d` on [n, c, t, h, w]. */
export class Conv3d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #dims: readonly number[];
  readonly #stride: PerAxis;
  readonly #padding: PerAxis;
  readonly #paddingEnd: PerAxis;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: PerAxis,
    { stride = ONE, padding = NONE, paddingEnd = padding, weightShape }: Conv3dOptions = {},
  ) {
    super();
    checkMembers('kernel', kernel, '{ time, height, width }', ['time', 'height', 'width']);
    this.#dims = [outChannels, inChannels, kernel.time, kernel.height, kernel.width];
    this.weight = new Parameter(weightShape ?? this.#dims);
    this.bias = new Parameter([outChannels]);
    this.#stride = stride;
    this.#padding = padding;
    this.#paddingEnd = paddingEnd;
  }

  override get pythonClass(): string {
    return this.weight.shape.length === 4 ? 'Conv2d' : 'Conv3d';
  }

  forward(x: Value): Value {
    const [outChannels = 1, , ...kernel] = this.#dims;
    const [strides, begin, end] = [this.#stride, this.#padding, this.#paddingEnd].map(({ time, height, width }) => [
      time,
      height,
      width,
    ]) as [number[], number[], number[]];
    const sizes = kernel.map(
      (size, i) =>
        Math.floor((x.dim(i + 2) + (begin[i] as number) + (end[i] as number) - size) / (strides[i] as number)) + 1,
    );
    return builderOf(x).emit(
      'Conv',
      [x, this.weight.in(x, this.#dims), this.bias.in(x)],
      { dims: [x.dim(0), outChannels, ...sizes] },
      {
        kernel_shape: { ints: kernel },
        strides: { ints: strides },
        pads: { ints: [...begin, ...end] },
      },
    );
  }
}
