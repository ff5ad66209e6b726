import { decodeFloat16, readDecoded, type StorageFormat } from '@thimble/core/plugin';
import { ggmlTypes } from '../ggmlTypes.js';
import { Blocks } from './Blocks.js';

/** A block of a file, for reading outside of graphs. */
export interface BlockBytes {
  /** The byte at a place of the block. */
  readonly byte: (at: number) => number;
  /** The float16 at a place of the block. */
  readonly half: (at: number) => number;
}

/** What a format of blocks is made of. */
export interface BlockFormat {
  /** Of `ggmlTypes`. */
  readonly dtype: string;
  /** Makes float32 of all blocks; its elements are in the order of the block, whatever its last axes are. */
  readonly values: (blocks: Blocks) => string;
  /** Decodes a block: calls `put` for each element in order. */
  readonly decode: (block: BlockBytes, put: (value: number) => void) => void;
}

/** What is there of an element at the same time: its code, that code as float32, and their product with the scale. */
const WIDENED_BYTES = 9;

/** A storage format of blocks, by what the graph computes and what is decoded outside of it. */
export function blockFormat({ dtype, values, decode }: BlockFormat): StorageFormat {
  const { elements, bytes } = [...ggmlTypes.values()].find((type) => type.dtype === dtype) as {
    elements: number;
    bytes: number;
  };
  return {
    dtype,
    block: { elements, bytes },
    widenedBytes: WIDENED_BYTES,
    widen(weight, output, emit) {
      const widened = values(Blocks.of(weight, bytes, emit));
      emit.last('Reshape', [widened, emit.constant('int64', [weight.dims.length], weight.dims)], output);
    },
    widenRows(weight, site, output, emit) {
      const widened = values(Blocks.ofRows(weight, site, bytes, emit));
      const [, ...row] = weight.source.shape;
      const dims = [...Array.from({ length: site.rank }, () => 0), ...row];
      emit.last('Reshape', [widened, emit.constant('int64', [dims.length], dims)], output);
    },
    read: (view, buffers) =>
      readDecoded(
        view,
        (piece, decoded) => {
          let done = 0;
          const put = (value: number): void => {
            decoded[done++] = value;
          };
          for (const block of blockBytesOf(piece, bytes)) decode(block, put);
        },
        buffers,
      ),
  };
}

/** The blocks of some bytes, one after the other; each is the same object, which sees the next block then. */
export function* blockBytesOf(piece: Uint8Array, blockBytes: number): Generator<BlockBytes, void> {
  const values = valueOfHalf();
  let start = 0;
  const block: BlockBytes = {
    byte: (at) => piece[start + at] as number,
    half: (at) => values[(piece[start + at] as number) | ((piece[start + at + 1] as number) << 8)] as number,
  };
  for (; start < piece.length; start += blockBytes) yield block;
}

let halves: Float32Array | undefined;

/** Of each float16 what it is worth: looking up is faster than decoding. */
function valueOfHalf(): Float32Array {
  return (halves ??= decodeFloat16(Uint16Array.from({ length: 2 ** 16 }, (_, code) => code)));
}
