import type { Emitter } from '../../Emitter.js';
import type { GraphConstant, GraphWeight } from '../../Graph.js';
import { narrowWeightOf } from '../../storage/storageFormats.js';
import { sliceRows } from '../../../weights/TensorView.js';
import type { Chunk } from '../evenChunks.js';
import { winogradMatrices } from './winogradMatrices.js';
import { WindowAxis } from './WindowAxis.js';
import type { WinogradPlan, WinogradStrip } from './WinogradPlan.js';
import type { WinogradSite } from './WinogradSite.js';

/** The taps of a kernel. */
const KERNEL = 9;

/** Where the emitters of one graph put what they share. */
export interface WinogradShared {
  readonly weights: Map<string, GraphWeight>;
  /** The constant of a name, which is made once. */
  readonly constant: (
    type: 'float32' | 'int32',
    name: string,
    make: () => Pick<GraphConstant, 'dims' | 'data'>,
  ) => string;
}

/**
 * Emits one convolution. Pixels lie channels-last between the products, so that what is gathered are whole pixels; weights are transformed as they lie, [out, in, 9],
 * by one product.
 */
export class WinogradEmitter {
  readonly #site: WinogradSite;
  readonly #plan: WinogradPlan;
  readonly #emit: Emitter;
  readonly #shared: WinogradShared;
  readonly #area: number;

  constructor(site: WinogradSite, plan: WinogradPlan, emit: Emitter, shared: WinogradShared) {
    this.#site = site;
    this.#plan = plan;
    this.#emit = emit;
    this.#shared = shared;
    this.#area = (plan.tile + 2) ** 2;
  }

  /** Adds the nodes, of which the last gives the convolution's output. */
  emit(): void {
    const { strips, pieces, outer } = this.#plan;
    const pixels = once((strip: WinogradStrip) => this.#transformedPixels(strip));
    const weights = once((piece: Chunk) => this.#transformedWeights(piece));
    const product = (strip: WinogradStrip, piece: Chunk): string => this.#product(pixels(strip), weights(piece));
    const all: Chunk = [0, this.#site.outChannels];
    const channels = this.#plan.weightsFirst ? 1 : 2;
    const whole = (strip: WinogradStrip): string =>
      this.#join(
        pieces.map((piece) => product(strip, piece)),
        channels,
      );
    const ofPiece = (piece: Chunk): string =>
      this.#joinStrips(strips.map((strip) => this.#part(strip, piece, product(strip, piece))));
    const result =
      outer === 'strips'
        ? this.#joinStrips(strips.map((strip) => this.#part(strip, all, whole(strip))))
        : this.#join(pieces.map(ofPiece), 1);
    this.#emit.last('Identity', [result], this.#site.node.outputs[0] as string);
  }

  /** The windows of a strip, transformed: [a², tiles, in]. */
  #transformedPixels({ samples: [sample, samples], rows }: WinogradStrip): string {
    const { tile, columns } = this.#plan;
    const { input, inChannels, height, width, top, left, batch, repeats } = this.#site;
    const down = new WindowAxis(rows[0] * tile - top, rows[1] * tile + 2, repeats);
    const across = new WindowAxis(-left, columns * tile + 2, repeats);
    // Negative padding takes away: other samples, and the rows of other strips.
    const above = [-sample, 0, -down.first, -across.first];
    const below = [sample + samples - batch, 0, down.end - height, across.end - width];
    const padded = this.#one('Pad', [input, this.#int64([...above, ...below])]);
    const planes = this.#reshape(padded, [samples, inChannels, down.count * across.count]);
    const list = this.#reshape(this.#one('Transpose', [planes], { perm: { ints: [0, 2, 1] } }), [-1, inChannels]);
    const indices = this.#windowIndices(samples, rows[1], down, across);
    const gathered = this.#one('Gather', [list, indices], { axis: { int: 0 } });
    const windows = this.#reshape(gathered, [this.#area, -1]);
    const transformed = this.#one('MatMul', [this.#matrix('input'), windows]);
    return this.#reshape(transformed, [this.#area, -1, inChannels]);
  }

  /** The kernels of a piece, transformed: [a², out, in]. */
  #transformedWeights([start, count]: Chunk): string {
    const { inChannels } = this.#site;
    const taps = this.#taps(start, count);
    const transformed = this.#one('Gemm', [this.#matrix('weight'), taps], { transB: { int: 1 } });
    return this.#reshape(transformed, [this.#area, count, inChannels]);
  }

  /** Kernels as a matrix [out · in, 9]. */
  #taps(start: number, count: number): string {
    const { node, inChannels, outChannels } = this.#site;
    const name = node.inputs[1] as string;
    const { weights } = this.#shared;
    const weight = weights.get(name);
    const matrix = [count * inChannels, KERNEL];
    if (weight === undefined) return this.#reshape(this.#sliced(name, start, count, outChannels), matrix);
    const narrow = narrowWeightOf(weight) !== undefined;
    const whole = count === outChannels;
    if (narrow && whole) return this.#reshape(name, matrix);
    const taps = `${name}/taps.${start}.${count}`;
    const source = weight.source === undefined || whole ? weight.source : sliceRows(weight.source, start, count);
    weights.set(taps, {
      ...weight,
      ...(source === undefined ? {} : { source }),
      name: taps,
      dims: narrow ? [count, ...weight.dims.slice(1)] : matrix,
      rows: [weight.rows[0] + start, count],
    });
    return narrow ? this.#reshape(taps, matrix) : taps;
  }

  /** What a strip gives of a piece: [samples, out, rows, columns] in pixels. */
  #part(strip: WinogradStrip, piece: Chunk, product: string): string {
    const { weightsFirst, tile } = this.#plan;
    const { outWidth, outHeight } = this.#site;
    const [first, count] = strip.rows;
    const height = Math.min(outHeight, (first + count) * tile) - first * tile;
    const shape = [strip.samples[1], piece[1], height, outWidth];
    return weightsFirst
      ? this.#channelsFirst(product, strip, piece, shape)
      : this.#channelsLast(product, strip, piece, shape);
  }

  /** [a², out, tiles] where weights stand first, or else [a², tiles, out]. */
  #product(pixels: string, weights: string): string {
    const operands = this.#plan.weightsFirst ? [weights, pixels] : [pixels, weights];
    return this.#one('FusedMatMul', operands, { transB: { int: 1 } }, 'com.microsoft');
  }

  /** From [a², out, tiles]. */
  #channelsFirst(product: string, { samples, rows }: WinogradStrip, piece: Chunk, shape: readonly number[]): string {
    const { tile, columns } = this.#plan;
    const [, , height = 1, width = 1] = shape;
    const flat = this.#reshape(product, [this.#area, -1]);
    const tiles = this.#one(
      'FusedMatMul',
      [flat, this.#matrix('output')],
      { transA: { int: 1 }, transB: { int: 1 } },
      'com.microsoft',
    );
    const biased = this.#biased(this.#reshape(tiles, [piece[1], -1]), piece, [piece[1], 1]);
    const apart = this.#reshape(biased, [piece[1], samples[1], rows[1], columns, tile, tile]);
    const inOrder = this.#one('Transpose', [apart], { perm: { ints: [1, 0, 2, 4, 3, 5] } });
    const whole = this.#reshape(inOrder, [samples[1], piece[1], rows[1] * tile, columns * tile]);
    if (rows[1] * tile === height && columns * tile === width) return whole;
    return this.#one('Slice', [whole, this.#int64([0, 0]), this.#int64([height, width]), this.#int64([2, 3])]);
  }

  /** From [a², tiles, out]. */
  #channelsLast(product: string, strip: WinogradStrip, piece: Chunk, shape: readonly number[]): string {
    const flat = this.#reshape(product, [this.#area, -1]);
    const tiles = this.#reshape(this.#one('MatMul', [this.#matrix('output'), flat]), [-1, piece[1]]);
    const biased = this.#biased(tiles, piece, [piece[1]]);
    const [samples = 1, , height = 1, width = 1] = shape;
    const pixels = this.#one('Gather', [biased, this.#pixelIndices(strip, height, width)], { axis: { int: 0 } });
    const list = this.#reshape(pixels, [samples, height * width, piece[1]]);
    return this.#reshape(this.#one('Transpose', [list], { perm: { ints: [0, 2, 1] } }), shape);
  }

  #biased(value: string, [start, count]: Chunk, dims: readonly number[]): string {
    const bias = this.#site.node.inputs[2];
    if (bias === undefined || bias === '') return value;
    return this.#one('Add', [value, this.#reshape(this.#sliced(bias, start, count, this.#site.outChannels), dims)]);
  }

  /** Some indices of a value's first axis. */
  #sliced(value: string, start: number, count: number, of: number): string {
    if (count === of) return value;
    return this.#one('Slice', [value, this.#int64([start]), this.#int64([start + count]), this.#int64([0])]);
  }

  #joinStrips(parts: readonly string[]): string {
    const { strips } = this.#plan;
    const bySample = new Map<number, string[]>();
    for (const [i, { samples }] of strips.entries())
      bySample.set(samples[0], [...(bySample.get(samples[0]) ?? []), parts[i] as string]);
    return this.#join(
      [...bySample.values()].map((rows) => this.#join(rows, 2)),
      0,
    );
  }

  #join(parts: readonly string[], axis: number): string {
    return parts.length === 1 ? (parts[0] as string) : this.#one('Concat', parts, { axis: { int: axis } });
  }

  /** Of each pixel of the windows, in reading order, the tiles' pixels among those of the padded strip. */
  #windowIndices(samples: number, rows: number, down: WindowAxis, across: WindowAxis): string {
    const { tile, columns } = this.#plan;
    const name = `windows.${tile}.${samples}x${rows}x${columns}.${down.name}.${across.name}`;
    return this.#shared.constant('int32', name, () => {
      const [window, tiles] = [tile + 2, rows * columns];
      const data = Array.from({ length: this.#area * samples * tiles }, (_, at) => {
        const [x, y] = [at % columns, Math.floor(at / columns) % rows];
        const [sample, pixel] = [Math.floor(at / tiles) % samples, Math.floor(at / (tiles * samples))];
        const [row, column] = [y * tile + Math.floor(pixel / window), x * tile + (pixel % window)];
        return (sample * down.count + down.indexOf(row)) * across.count + across.indexOf(column);
      });
      return { dims: [data.length], data };
    });
  }

  /** Of each pixel of a strip, where it lies among the pixels of the tiles. */
  #pixelIndices({ samples, rows }: WinogradStrip, height: number, width: number): string {
    const { tile, columns } = this.#plan;
    const [count, tiles] = [samples[1], samples[1] * rows[1] * columns];
    const name = `pixels.${tile}.${count}x${rows[1]}x${columns}.${height}x${width}`;
    return this.#shared.constant('int32', name, () => {
      const data = Array.from({ length: count * height * width }, (_, at) => {
        const [x, y] = [at % width, Math.floor(at / width) % height];
        const sample = Math.floor(at / (width * height));
        const place = (sample * rows[1] + Math.floor(y / tile)) * columns + Math.floor(x / tile);
        return ((y % tile) * tile + (x % tile)) * tiles + place;
      });
      return { dims: [data.length], data };
    });
  }

  #matrix(kind: 'input' | 'weight' | 'output'): string {
    const { tile } = this.#plan;
    return this.#shared.constant('float32', `${kind}.${tile}`, () => {
      const data = winogradMatrices(tile)[kind];
      const columns = kind === 'weight' ? KERNEL : this.#area;
      return { dims: [data.length / columns, columns], data };
    });
  }

  #reshape(value: string, dims: readonly number[]): string {
    return this.#one('Reshape', [value, this.#int64(dims)]);
  }

  #int64(data: readonly number[]): string {
    return this.#emit.constant('int64', [data.length], data);
  }

  #one(...given: Parameters<Emitter['one']>): string {
    return this.#emit.one(...given);
  }
}

/** Makes something of a part when it is first asked for. */
function once<T>(make: (part: T) => string): (part: T) => string {
  const made = new Map<T, string>();
  return (part) => {
    const known = made.get(part) ?? make(part);
    made.set(part, known);
    return known;
  };
}
