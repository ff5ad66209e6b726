import { Tensor } from '@thimble/core';
import { decodeFloat16, type Device, type DeviceTensor, encodeFloat16 } from '@thimble/core/plugin';

/** Copies the values of a tensor from the device, as float32 whatever it is computed in. */
export async function downloadFloats(
  device: Device,
  tensor: DeviceTensor,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { type, data } = await device.download(tensor, signal);
  if (type !== 'float16') return data as Float32Array;
  const { buffer, byteOffset, length } = data as Uint16Array;
  return decodeFloat16(new Uint16Array(buffer, byteOffset, length));
}

/** Copies values to the device, as a tensor like one that was there. */
export async function uploadFloats(
  device: Device,
  values: Float32Array,
  { type, dims }: Pick<DeviceTensor, 'type' | 'dims'>,
): Promise<DeviceTensor> {
  return device.upload(
    type === 'float16' ? new Tensor('float16', encodeFloat16(values), dims) : new Tensor('float32', values, dims),
  );
}
