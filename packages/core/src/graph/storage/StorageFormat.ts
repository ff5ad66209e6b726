import { checkMembers } from '../../fields/checkMembers.js';
import { checkIntegers } from '../../fields/checkNumber.js';
import type { ElementType, GraphWeight } from '../Graph.js';
import type { TensorView } from '../../weights/TensorView.js';
import type { PieceBuffers } from '../../weights/files/PieceBuffers.js';
import type { StorageEmitter } from './StorageEmitter.js';

/** A weight of a graph that is bound to where it lies. */
export type BoundWeight = GraphWeight & { readonly source: TensorView };

/** What the rows of a table are gathered with. */
export interface GatherSite {
  /** The value with the indices, int64. */
  readonly ids: string;
  /** Axes of the indices; their shape comes before that of a row in what is gathered. */
  readonly rank: number;
}

/**
 * One way in which weights are stored, such as float16 or blocks of four bits: how many bytes a tensor takes, how a graph makes float32 of it, and how it is read
 * as float32 outside of graphs. A format is one file in `graph/storage/` and one line in `storageFormats.ts`.
 */
export interface StorageFormat {
  /** What `TensorView.dtype` says. */
  readonly dtype: string;
  /** Elements that are stored together along the last axis, and the bytes that they take: 1 and 2 for float16, 32 and 34 for Q8_0. */
  readonly block: { readonly elements: number; readonly bytes: number };
  /** Bytes that an element takes while it is widened, all that is there at the same time: 4 where the float32 comes straight from what is mapped. */
  readonly widenedBytes: number;
  /** Set where the runtime has a type for the elements, which its `Cast` widens. */
  readonly elementType?: ElementType;
  /**
   * A power of two that {@link StorageFormat.widen} can leave to whoever multiplies with the weight, because that is cheaper; absent or `undefined`: none.
   */
  readonly deferrableFactor?: (weight: BoundWeight, emit: Pick<StorageEmitter, 'fast'>) => number | undefined;
  /** Adds what makes the float32 value `output`, of the shape `weight.dims`; without the deferrable factor where `deferred` is true. */
  readonly widen: (weight: BoundWeight, output: string, emit: StorageEmitter, deferred: boolean) => void;
  /** Adds what makes the float32 value `output` of the rows that are gathered by `site`; the table is never widened as a whole. */
  readonly widenRows: (weight: BoundWeight, site: GatherSite, output: string, emit: StorageEmitter) => void;
  /**
   * Reads a tensor as float32, in pieces of whole rows of about a megabyte. Each piece is overwritten by the next.
   *
   * @param buffers where the pieces are, for a format that can; memory of their own by default
   * @throws what `readTensor` throws
   */
  readonly read: (view: TensorView, buffers?: PieceBuffers) => AsyncGenerator<Float32Array, void>;
}

/** Bytes that a tensor of this shape takes in a format. */
export function storedBytes(format: Pick<StorageFormat, 'block'>, shape: readonly number[]): number {
  checkMembers('format', format, 'a storage format', ['block']);
  checkIntegers('shape', shape);
  const { block } = format;
  return (shape.reduce((a, b) => a * b, 1) / block.elements) * block.bytes;
}
