import { Tensor } from 'onnxruntime-common';
import type { Device } from '../device/Device.js';
import type { DeviceTensor } from '../device/DeviceTensor.js';
import { checkMembers } from '../fields/checkMembers.js';
import { toFloat16, toFloat32 } from './floatTensors.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';

/** What a held tensor carries in place of data. */
interface Held {
  readonly device: Device;
  readonly handle: DeviceTensor;
}

/** A value that lies on a device as a tensor of the runtime's API: its `location` is 'ml-tensor', `getData()` copies it to this process, `dispose()` frees it on the device. */
export function holdTensor(device: Device, handle: DeviceTensor): Tensor {
  const held: Held = { device, handle };
  return Tensor.fromMLTensor(held as never, {
    // Outside devices everything is float32.
    dataType: handle.type === 'float16' ? 'float32' : (handle.type as 'float32'),
    dims: handle.dims,
    download: async () => toFloat32(await device.download(handle)).data as Float32Array,
    // A device that is gone has freed it.
    dispose: () => void device.free([handle]).catch(() => undefined),
  });
}

/** The value on `device` that a tensor stands for; `undefined` for one that lies elsewhere. */
export function heldOn(device: Device, tensor: Tensor): DeviceTensor | undefined {
  if (tensor.location !== 'ml-tensor') return undefined;
  const held = tensor.mlTensor as unknown as Held;
  return held.device === device ? held.handle : undefined;
}

/** The same tensor, once its data lies in this process and nowhere else. @throws ERR_DEVICE_TENSOR_GONE */
export async function toLocal(tensor: Tensor): Promise<Tensor> {
  if (tensor.location === 'ml-tensor') await tensor.getData(true);
  return tensor;
}

/** As a program on `device` takes it, in a type. @throws as {@link toLocal} */
export async function readyFor(device: Device, tensor: Tensor, type: string): Promise<Tensor> {
  if (heldOn(device, tensor)?.type === type) return tensor;
  const local = await toLocal(tensor);
  return type === 'float16' ? toFloat16(local) : local;
}

/** @throws as {@link toLocal} */
export async function allToLocal(tensors: NamedTensors): Promise<NamedTensors> {
  await Promise.all(Object.values(tensors).map(toLocal));
  return tensors;
}

/** Frees those that lie on a device; the others are left as they are. @throws ERR_ARGUMENT_INVALID for what are no tensors by their names */
export function disposeHeld(tensors: NamedTensors): void {
  checkMembers('tensors', tensors, 'tensors by their names', []);
  for (const tensor of Object.values(tensors)) {
    checkMembers('tensors', tensor, 'tensors by their names', ['location']);
    if (tensor.location === 'ml-tensor') tensor.dispose();
  }
}
