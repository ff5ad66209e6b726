/** A tensor for {@link writeGguf}. */
export interface GgufTensor {
  readonly name: string;
  /** Fastest first, as the file has them. */
  readonly sizes: readonly number[];
  /** Number of its type. */
  readonly type: number;
  readonly data: Uint8Array;
  /** Where the header says that it begins; by default where it does. */
  readonly offset?: number;
}

/** What {@link writeGguf} puts into a file. */
export interface GgufContents {
  readonly version?: number;
  /** By key: the number of the type, and the bytes of the value. */
  readonly metadata?: ReadonlyArray<readonly [key: string, type: number, value: Uint8Array]>;
  readonly tensors?: readonly GgufTensor[];
  readonly alignment?: number;
}

export function writeGguf(contents: GgufContents): Uint8Array;

export function u32(value: number): Uint8Array;

export function u64(value: number | bigint): Uint8Array;

export function text(value: string): Uint8Array;
