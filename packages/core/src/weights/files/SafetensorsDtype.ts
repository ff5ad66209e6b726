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

/** A data type of the safetensors format, by the name it has in a file's header. `F8_E4M3` is PyTorch's `float8_e4m3fn`. */
export type SafetensorsDtype = keyof typeof BYTES;

/** Every data type that can be read, widest first within each kind. */
export const safetensorsDtypes = Object.keys(BYTES) as readonly SafetensorsDtype[];

/** Whether `name` is a data type that can be read. */
export function isSafetensorsDtype(name: string): name is SafetensorsDtype {
  return Object.hasOwn(BYTES, name);
}

/** Bytes that one element of `dtype` takes in a file. */
export function bytesPerElement(dtype: SafetensorsDtype): number {
  return BYTES[dtype];
}
