import { Tensor } from 'onnxruntime-common';
import { decodeFloat16 } from '../weights/files/decodeFloat16.js';
import { encodeFloat16 } from '../weights/files/encodeFloat16.js';

/** A float32 tensor as float16; others as they are. */
export function toFloat16(tensor: Tensor): Tensor {
  return tensor.type === 'float32'
    ? new Tensor('float16', encodeFloat16(tensor.data as Float32Array), tensor.dims)
    : tensor;
}

/** A float16 tensor as float32; others as they are. */
export function toFloat32(tensor: Tensor): Tensor {
  if (tensor.type !== 'float16') return tensor;
  const { buffer, byteOffset, length } = tensor.data as Uint16Array;
  return new Tensor('float32', decodeFloat16(new Uint16Array(buffer, byteOffset, length)), tensor.dims);
}
