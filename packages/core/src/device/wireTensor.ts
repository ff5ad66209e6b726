import { Tensor } from 'onnxruntime-common';
import type { DeviceTensor } from './DeviceTensor.js';
import type { WireTensor } from './messages.js';

/** A tensor as plain data for a message. */
export function toWire(tensor: Tensor): WireTensor {
  return { type: tensor.type, dims: tensor.dims, data: tensor.data };
}

/** A tensor from a message. */
export function fromWire(wire: WireTensor): Tensor {
  return new Tensor(wire.type as 'float32', wire.data as Float32Array, wire.dims);
}

/** A tensor as plain data; a handle as it is. */
export function toWireInput(value: Tensor | DeviceTensor): WireTensor | DeviceTensor {
  return 'id' in value ? value : toWire(value);
}
