import { checkView } from '../checkView.js';
import { ThimbleError } from '../../errors.js';
import { decodeBfloat16 } from './decodeBfloat16.js';
import { decodeFloat16 } from './decodeFloat16.js';
import { decodeFloat8E4m3fn } from './decodeFloat8E4m3fn.js';
import { decodeFloat8E5m2 } from './decodeFloat8E5m2.js';
import { readTensor } from './readTensor.js';
import { isSafetensorsDtype, type SafetensorsDtype, safetensorsDtypes } from './SafetensorsDtype.js';
import type { TensorView } from '../TensorView.js';

const decoders: Readonly<Record<SafetensorsDtype, (buffer: ArrayBufferLike) => Float32Array>> = {
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => decodeFloat16(new Uint16Array(buffer)),
  BF16: (buffer) => decodeBfloat16(new Uint16Array(buffer)),
  F8_E4M3: (buffer) => decodeFloat8E4m3fn(new Uint8Array(buffer)),
  F8_E5M2: (buffer) => decodeFloat8E5m2(new Uint8Array(buffer)),
  I64: (buffer) => fromBigInts(new BigInt64Array(buffer)),
  U64: (buffer) => fromBigInts(new BigUint64Array(buffer)),
  I32: (buffer) => Float32Array.from(new Int32Array(buffer)),
  U32: (buffer) => Float32Array.from(new Uint32Array(buffer)),
  I16: (buffer) => Float32Array.from(new Int16Array(buffer)),
  U16: (buffer) => Float32Array.from(new Uint16Array(buffer)),
  I8: (buffer) => Float32Array.from(new Int8Array(buffer)),
  U8: (buffer) => Float32Array.from(new Uint8Array(buffer)),
  BOOL: (buffer) => Float32Array.from(new Uint8Array(buffer), (byte) => (byte === 0 ? 0 : 1)),
};

/**
 * Reads a tensor and widens (or, from 64- and 32-bit types, rounds) its elements to float32. For small tensors and tests: large
 * weights are mapped by the device instead.
 *
 * @returns row-major elements of `info.shape`
 * @throws `ERR_DTYPE_UNSUPPORTED`; what {@link readTensor} throws
 */
export async function readTensorFloat32(info: TensorView): Promise<Float32Array> {
  checkView(info);
  const { dtype, file, name: tensor } = info;
  if (!isSafetensorsDtype(dtype))
    throw new ThimbleError('ERR_DTYPE_UNSUPPORTED', { file, tensor, dtype, supported: safetensorsDtypes.join(', ') });
  const bytes = await readTensor(info);
  return decoders[dtype](bytes.buffer);
}

function fromBigInts(values: BigInt64Array | BigUint64Array): Float32Array {
  const floats = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) floats[i] = Number(values[i]);
  return floats;
}
