import { refuseOption } from '../../fields/refuseOption.js';

const BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

/**
 * Bits of an element of the format's other types. A file may have tensors of them: they have a place, so that the others can be used, but they are not read.
 */
const OTHER_BITS = {
  C64: 64,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
} as const;

/** A data type of the safetensors format that can be read, by the name it has in a file's header. `F8_E4M3` is PyTorch's `float8_e4m3fn`. */
export type SafetensorsDtype = keyof typeof BYTES;

/** Every data type that can be read, widest first within each kind. */
export const safetensorsDtypes = Object.keys(BYTES) as readonly SafetensorsDtype[];

/** Whether `name` is a data type that can be read. */
export function isSafetensorsDtype(name: string): name is SafetensorsDtype {
  return typeof name === 'string' && Object.hasOwn(BYTES, name);
}

/** Bits that one element of a type takes in a file, of one that cannot be read too; `undefined` for a name that the format does not have. */
export function bitsPerElement(dtype: string): number | undefined {
  if (isSafetensorsDtype(dtype)) return 8 * BYTES[dtype];
  return Object.hasOwn(OTHER_BITS, dtype) ? OTHER_BITS[dtype as keyof typeof OTHER_BITS] : undefined;
}

/** Bytes that one element of `dtype` takes in a file. @throws ERR_ARGUMENT_INVALID for another type */
export function bytesPerElement(dtype: SafetensorsDtype): number {
  if (!isSafetensorsDtype(dtype)) refuseOption('dtype', dtype, `one of ${safetensorsDtypes.join(', ')}`);
  return BYTES[dtype];
}
