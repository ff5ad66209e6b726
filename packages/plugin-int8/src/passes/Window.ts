import type { Emitter, GraphNode } from '@thimble/core/plugin';

/** One axis of a convolution over pixels that may have been upsampled before. */
interface WindowAxis {
  /** Pixels that there are. */
  readonly size: number;
  /** Pixels that the convolution sees, after upsampling. */
  readonly seen: number;
  /** Pixels that it makes. */
  readonly made: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

/**
 * Which pixels each output pixel of a convolution reads: the windows are gathered from the pixels by index, so that strides, borders and upsampling
 * cost nothing of their own.
 */
export class Window {
  readonly #rows: WindowAxis;
  readonly #columns: WindowAxis;

  /** `input` and `output` [n, c, h, w]; `source` is what `input` was upsampled from, or itself. */
  constructor(
    { attributes }: GraphNode,
    source: readonly number[],
    input: readonly number[],
    output: readonly number[],
  ) {
    const list = (name: string, fallback: number): ((i: number) => number) => {
      const attribute = attributes[name];
      return (i) => (attribute !== undefined && 'ints' in attribute ? (attribute.ints[i] ?? fallback) : fallback);
    };
    const [taps, stride, dilation, pads] = [
      list('kernel_shape', 1),
      list('strides', 1),
      list('dilations', 1),
      list('pads', 0),
    ];
    const axis = (i: 0 | 1): WindowAxis => ({
      size: source[2 + i] as number,
      seen: input[2 + i] as number,
      made: output[2 + i] as number,
      taps: taps(i),
      stride: stride(i),
      dilation: dilation(i),
      before: pads(i),
      after: pads(2 + i),
    });
    this.#rows = axis(0);
    this.#columns = axis(1);
  }

  /** Rows of pixels that are made. */
  get height(): number {
    return this.#rows.made;
  }

  /** Pixels of a row that are made. */
  get width(): number {
    return this.#columns.made;
  }

  /** Pixels in a window. */
  get taps(): number {
    return this.#rows.taps * this.#columns.taps;
  }

  /** Whether every window is the one pixel in its place. */
  get isSinglePixel(): boolean {
    return [this.#rows, this.#columns].every(
      ({ taps, stride, before, after, size, seen }) =>
        taps === 1 && stride === 1 && before === 0 && after === 0 && size === seen,
    );
  }

  /** Pixels [n, h, w, c] with their border, as a list [n, pixels, c]; the border has the code `zero`. */
  pad(pixels: string, zero: string, channels: number, emit: Emitter): string {
    const borders = [borderOf(this.#rows), borderOf(this.#columns)] as const;
    const [[top, bottom], [left, right]] = borders;
    const padded =
      top + bottom + left + right === 0
        ? pixels
        : emit.one('Pad', [pixels, emit.constant('int64', [8], [0, top, left, 0, 0, bottom, right, 0]), zero]);
    return emit.one('Reshape', [padded, emit.constant('int64', [3], [0, -1, channels])]);
  }

  /** Indices into the padded list: for `count` rows from `start`, pixel by pixel, all taps of the window. */
  indices(start: number, count: number, emit: Emitter): string {
    const [left, right] = borderOf(this.#columns);
    const paddedWidth = left + this.#columns.size + right;
    const rows = table(this.#rows, start, count).map((row) => row * paddedWidth);
    const down = emit.constant('int32', [count, 1, this.#rows.taps, 1], rows);
    const across = emit.constant('int32', [1, this.width, 1, this.#columns.taps], table(this.#columns, 0, this.width));
    return emit.one('Reshape', [emit.one('Add', [down, across]), emit.constant('int64', [1], [-1])]);
  }
}

/** One pixel stands for a border of any width. */
function borderOf({ before, after }: WindowAxis): readonly [before: number, after: number] {
  return [before > 0 ? 1 : 0, after > 0 ? 1 : 0];
}

/** For `count` outputs from `start`, tap by tap, the index into the padded axis. */
function table(axis: WindowAxis, start: number, count: number): number[] {
  return Array.from({ length: count * axis.taps }, (_, i) =>
    indexOn(axis, start + Math.floor(i / axis.taps), i % axis.taps),
  );
}

function indexOn(axis: WindowAxis, output: number, tap: number): number {
  const { size, seen, stride, dilation, before } = axis;
  const [border] = borderOf(axis);
  const at = output * stride + tap * dilation - before;
  if (at < 0) return 0;
  return border + (at >= seen ? size : Math.floor((at * size) / seen));
}
