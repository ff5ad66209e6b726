import { checkMembers } from '../../fields/checkMembers.js';
import type { ElementType, GraphWeight } from '../Graph.js';
import { ONNX_TYPE } from '../operations.js';
import { readDecoded } from './readDecoded.js';
import type { GatherSite, StorageFormat } from './StorageFormat.js';
import type { StorageEmitter } from './StorageEmitter.js';

/** What an elementwise format is made of. */
export interface ElementwiseFormat {
  readonly dtype: string;
  readonly bytes: number;
  readonly elementType: ElementType;
  /** Widens codes, exactly. */
  readonly decode: (codes: Uint8Array | Uint16Array) => Float32Array;
}

/** A format of one or two bytes an element, for which the runtime has a type: a `Cast` widens it, and a table decodes it. */
export function elementwise(format: ElementwiseFormat): StorageFormat {
  checkMembers('format', format, '{ dtype, bytes, elementType, decode }', ['dtype', 'bytes', 'elementType', 'decode']);
  const { dtype, bytes, elementType, decode } = format;
  let table: Float32Array | undefined;
  const valueOf = (): Float32Array => (table ??= decode(everyCode(bytes)));
  return {
    dtype,
    elementType,
    block: { elements: 1, bytes },
    widenedBytes: 4,
    widen: (weight, output, emit) => emit.last('Cast', [emit.bytes(weight, elementType)], output, TO_FLOAT32),
    widenRows: (weight, site, output, emit) =>
      emit.last('Cast', [gatherRows(weight, elementType, site, emit)], output, TO_FLOAT32),
    read: (view, buffers) =>
      readDecoded(
        view,
        (piece, values) => {
          // Looking a code up is four times as fast as decoding a whole model.
          const values32 = valueOf();
          const codes = bytes === 1 ? piece : new Uint16Array(piece.buffer, piece.byteOffset, piece.byteLength / 2);
          for (let i = 0; i < codes.length; i++) values[i] = values32[codes[i]!]!;
        },
        buffers,
      ),
  };
}

/** Attributes of a `Cast` to float32. */
export const TO_FLOAT32 = { to: { int: ONNX_TYPE.float32 } } as const;

/** Adds what gathers the rows of a table as they are stored. */
export function gatherRows(weight: GraphWeight, type: ElementType, { ids }: GatherSite, emit: StorageEmitter): string {
  return emit.one('Gather', [emit.bytes(weight, type), ids]);
}

function everyCode(bytes: number): Uint8Array | Uint16Array {
  return bytes === 1
    ? Uint8Array.from({ length: 2 ** 8 }, (_, code) => code)
    : Uint16Array.from({ length: 2 ** 16 }, (_, code) => code);
}
