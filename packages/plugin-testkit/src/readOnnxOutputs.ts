/** An input or output of a graph. */
export interface OnnxPort {
  readonly name: string;
  /** ONNX's number of the element type: 1 float32, 7 int64, 10 float16. */
  readonly elementType: number;
  readonly dims: readonly number[];
}

/** A field of a protobuf message: a varint, or the bytes of what is inside. */
type Field = readonly [number: number, value: number | Uint8Array];

// Numbers of fields, from onnx.proto.
const MODEL_GRAPH = 7;
const GRAPH_OUTPUT = 12;
const VALUE_NAME = 1;
const VALUE_TYPE = 2;
const TYPE_TENSOR = 1;
const TENSOR_ELEMENT = 1;
const TENSOR_SHAPE = 2;
const SHAPE_DIM = 1;
const DIM_VALUE = 1;

/** The outputs of an ONNX ModelProto, whose sizes are fixed. */
export function readOnnxOutputs(model: Uint8Array): OnnxPort[] {
  return childrenOf(childOf(model, MODEL_GRAPH), GRAPH_OUTPUT).map(readPort);
}

function readPort(value: Uint8Array): OnnxPort {
  const tensor = childOf(childOf(value, VALUE_TYPE), TYPE_TENSOR);
  const shape = childOf(tensor, TENSOR_SHAPE);
  return {
    name: Buffer.from(childOf(value, VALUE_NAME)).toString(),
    elementType: numberOf(tensor, TENSOR_ELEMENT),
    dims: childrenOf(shape, SHAPE_DIM).map((dim) => numberOf(dim, DIM_VALUE)),
  };
}

function childrenOf(message: Uint8Array, field: number): Uint8Array[] {
  return [...fieldsOf(message)].flatMap(([number, value]) =>
    number === field && typeof value === 'object' ? [value] : [],
  );
}

function childOf(message: Uint8Array, field: number): Uint8Array {
  return childrenOf(message, field)[0] ?? new Uint8Array();
}

function numberOf(message: Uint8Array, field: number): number {
  for (const [number, value] of fieldsOf(message)) if (number === field && typeof value === 'number') return value;
  return 0;
}

function* fieldsOf(message: Uint8Array): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = view.getUint8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === 0) yield [field, varint()];
    else if (wire === 2) {
      const length = varint();
      yield [field, message.subarray(at, at + length)];
      at += length;
    } else at += wire === 1 ? 8 : 4;
  }
}
