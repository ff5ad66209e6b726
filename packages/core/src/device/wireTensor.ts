import type { Writable } from 'node:stream';
import { Tensor } from 'onnxruntime-common';
import type { BytePipe } from './BytePipe.js';
import type { PipedTensor, WireTensor } from './messages.js';

/** A tensor as plain data for a message. */
export function toWire(tensor: Tensor): WireTensor {
  return { type: tensor.type, dims: tensor.dims, data: tensor.data };
}

/** A tensor from a message. */
export function fromWire(wire: WireTensor): Tensor {
  return new Tensor(wire.type as 'float32', ownArray(wire) as Float32Array, wire.dims);
}

/** What comes in a message is of the realm that Node itself runs in; a sandbox such as jest's has types of its own, and the runtime's library compares them. */
function ownArray({ type, data }: WireTensor): WireTensor['data'] {
  const Own = ARRAYS[type as keyof typeof ARRAYS] as typeof Float32Array | undefined;
  if (Own === undefined || data instanceof Own) return data;
  const { buffer, byteOffset, length } = data as unknown as Float32Array;
  return new Own(buffer as ArrayBuffer, byteOffset, length);
}

/** From this size on a tensor's bytes go over the pipe. */
const PIPED_FROM = 2 ** 16;

/** A tensor for a message, which has to follow at once. Of a large one the bytes go over the pipe, from where they lie: as part of the message they would be copied here and there. */
export function sendWire(tensor: Tensor, pipe: Writable): WireTensor | PipedTensor {
  const { type, dims, data } = tensor;
  if (!(type in ARRAYS) || !ArrayBuffer.isView(data) || data.byteLength < PIPED_FROM) return toWire(tensor);
  pipe.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { type, dims, byteLength: data.byteLength };
}

/** A tensor from the other process, with its bytes from the pipe where they went that way. */
export async function receiveWire(wire: WireTensor | PipedTensor, pipe: BytePipe): Promise<Tensor> {
  if ('data' in wire) return fromWire(wire);
  const buffer = await pipe.receive(wire.byteLength);
  return new Tensor(
    wire.type as 'float32',
    new ARRAYS[wire.type as keyof typeof ARRAYS](buffer) as Float32Array,
    wire.dims,
  );
}

/** Arrays of the types that are piped when large; others stay in the message. */
export const ARRAYS = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array } as const;

const ELEMENTS = { ...ARRAYS, float16: Uint16Array, int16: Int16Array, int8: Int8Array } as const;

/** Bytes as elements of a type; where they do not begin at a multiple of an element's size, they are copied. */
export function elementsOf(type: string, bytes: Uint8Array): Tensor.DataType {
  const Elements = ELEMENTS[type as keyof typeof ELEMENTS] as typeof Float32Array;
  const aligned = bytes.byteOffset % Elements.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Elements(aligned.buffer as ArrayBuffer, aligned.byteOffset, bytes.length / Elements.BYTES_PER_ELEMENT);
}
