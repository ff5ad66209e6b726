import type { BoundWeight, GatherSite, StorageEmitter } from '@thimble/core/plugin';

/** ONNX's numbers of element types. */
const ONNX = { float32: 1, uint8: 2, int8: 3, int32: 6, float16: 10 } as const;

/**
 * The blocks of a weight in a graph, as operators see them: values whose last axis is what lies in a block, after `leading` axes that say which block. Each method adds a node
 * and returns the name of its value.
 */
export class Blocks {
  readonly #emit: StorageEmitter;
  readonly #leading: number;
  readonly #view: (type: keyof typeof ONNX, bytes: number) => string;
  readonly #views = new Map<string, string>();

  private constructor(emit: StorageEmitter, leading: number, view: (type: keyof typeof ONNX, bytes: number) => string) {
    this.#emit = emit;
    this.#leading = leading;
    this.#view = view;
  }

  /** All blocks of a weight, one after the other. */
  static of(weight: BoundWeight, blockBytes: number, emit: StorageEmitter): Blocks {
    const count = weight.source.byteLength / blockBytes;
    return new Blocks(emit, 1, (type, bytes) => emit.bytes(weight, type, [count, blockBytes / bytes]));
  }

  /** The blocks of the rows that are gathered: [...indices, blocks of a row]. */
  static ofRows(weight: BoundWeight, { ids, rank }: GatherSite, blockBytes: number, emit: StorageEmitter): Blocks {
    const [rows = 1] = weight.source.shape;
    const blocks = weight.source.byteLength / rows / blockBytes;
    return new Blocks(emit, rank + 1, (type, bytes) =>
      emit.one('Gather', [emit.bytes(weight, type, [rows, blocks, blockBytes / bytes]), ids]),
    );
  }

  /** Bytes of each block as uint8. */
  bytes(from: number, to: number): string {
    return this.#slice(this.#viewed('uint8', 1), from, to);
  }

  /** Bytes of each block as int8. */
  signed(from: number, to: number): string {
    return this.#slice(this.#viewed('int8', 1), from, to);
  }

  /** The float16 at an even byte of each block as float32: [..., 1]. */
  half(at: number): string {
    return this.float(this.#slice(this.#viewed('float16', 2), at / 2, at / 2 + 1));
  }

  and(value: string, mask: number): string {
    return this.#emit.one('BitwiseAnd', [value, this.#emit.scalar('uint8', mask)]);
  }

  or(a: string, b: string): string {
    return this.#emit.one('BitwiseOr', [a, b]);
  }

  /** By one number of bits, or by `shifts` of the given sizes, which are broadcast. */
  shiftRight(
    value: string,
    bits: number | { readonly shifts: readonly number[]; readonly sizes: readonly number[] },
  ): string {
    const by =
      typeof bits === 'number'
        ? this.#emit.scalar('uint8', bits)
        : this.#emit.constant('uint8', bits.sizes, bits.shifts);
    return this.#emit.one('BitShift', [value, by], { direction: { string: 'RIGHT' } });
  }

  shiftLeft(value: string, bits: number): string {
    return this.#emit.one('BitShift', [value, this.#emit.scalar('uint8', bits)], { direction: { string: 'LEFT' } });
  }

  /** One after the other on the last axis. */
  concat(...values: readonly string[]): string {
    return this.#emit.one('Concat', values, { axis: { int: -1 } });
  }

  /** Other sizes after the axes that say which block. */
  reshape(value: string, sizes: readonly number[]): string {
    const dims = [...Array.from({ length: this.#leading }, () => 0), ...sizes];
    return this.#emit.one('Reshape', [value, this.#emit.constant('int64', [dims.length], dims)]);
  }

  /** uint8 or int8 as float32. */
  float(value: string): string {
    return this.#emit.one('Cast', [value], { to: { int: ONNX.float32 } });
  }

  multiply(a: string, b: string): string {
    return this.#emit.one('Mul', [a, b]);
  }

  subtract(a: string, b: string | number): string {
    return this.#emit.one('Sub', [a, typeof b === 'number' ? this.#emit.scalar('float32', b) : b]);
  }

  add(a: string, b: string): string {
    return this.#emit.one('Add', [a, b]);
  }

  /** uint8 as places in a table. */
  lookUp(table: readonly number[], value: string): string {
    const places = this.#emit.one('Cast', [value], { to: { int: ONNX.int32 } });
    return this.#emit.one('Gather', [this.#emit.constant('float32', [table.length], table), places]);
  }

  #viewed(type: keyof typeof ONNX, bytes: number): string {
    const name = this.#views.get(type) ?? this.#view(type, bytes);
    this.#views.set(type, name);
    return name;
  }

  #slice(value: string, from: number, to: number): string {
    const [start, end, axis] = [from, to, -1].map((at) => this.#emit.constant('int64', [1], [at]));
    return this.#emit.one('Slice', [value, start as string, end as string, axis as string]);
  }
}
