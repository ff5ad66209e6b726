import type { FileRange } from '../../device/FileRange.js';
import type { OnnxModel, SessionMode } from '../../device/OnnxModel.js';
import {
  type Attribute,
  type Graph,
  type GraphConstant,
  type GraphNode,
  type GraphPort,
  type GraphWeight,
  UNKNOWN_RANK,
} from '../Graph.js';
import { encodeFloat16 } from '../../weights/files/encodeFloat16.js';
import { ONNX_TYPE } from '../operations.js';
import { commonFolder, locationIn } from './externalData.js';
import { checkMembers } from '../../fields/checkMembers.js';
import { ProtobufWriter } from './ProtobufWriter.js';

/** ONNX's intermediate representation version and operator set: the first with native `Gelu`. */
const IR_VERSION = 9;
const OPSET = 20;

/** The first operator set with `BitCast`. */
const OPSET_WITH_BIT_CAST = 26;

/**
 * Serialises a graph whose weights are bound and whose composites are lowered. Each weight becomes external data that points
 * into the file it lies in.
 */
export function serializeOnnx(graph: Graph): OnnxModel {
  checkMembers('graph', graph, 'a graph', ['name', 'nodes', 'weights']);
  const folder = commonFolder([...new Set(graph.weights.map((weight) => sourceOf(weight).file))]);
  const domains = new Set(graph.nodes.map((node) => node.domain));
  const proto = new ProtobufWriter().integer(1, IR_VERSION).text(2, 'thimble');
  proto.message(7, () => writeGraph(proto, graph, folder ?? ''));
  writeOperatorSet(proto, '', graph.nodes.some(({ op }) => op === 'BitCast') ? OPSET_WITH_BIT_CAST : OPSET);
  if (domains.has('com.microsoft')) writeOperatorSet(proto, 'com.microsoft', 1);
  return {
    name: graph.name,
    bytes: proto.finish(),
    ...(folder === undefined ? {} : { folder }),
    mode: sessionModeOf(graph),
  };
}

function writeOperatorSet(proto: ProtobufWriter, domain: string, version: number): void {
  proto.message(8, () => proto.text(1, domain).integer(2, version));
}

function writeGraph(proto: ProtobufWriter, graph: Graph, folder: string): void {
  for (const node of graph.nodes) proto.message(1, () => writeNode(proto, node));
  proto.text(2, graph.name);
  for (const constant of graph.constants) proto.message(5, () => writeConstant(proto, constant));
  const locations = new Map<string, string>();
  for (const weight of graph.weights) {
    const { file } = sourceOf(weight);
    const location = locations.get(file) ?? locationIn(folder, file);
    locations.set(file, location);
    proto.message(5, () => writeWeight(proto, weight, location));
  }
  for (const input of graph.inputs) proto.message(11, () => writePort(proto, input));
  for (const output of graph.outputs) proto.message(12, () => writePort(proto, output));
}

function sourceOf(weight: GraphWeight): FileRange {
  if (weight.source === undefined) throw new TypeError(`weight ${weight.key} is not bound to a checkpoint`);
  return weight.source;
}

function writeNode(proto: ProtobufWriter, node: GraphNode): void {
  for (const input of node.inputs) proto.text(1, input);
  for (const output of node.outputs) proto.text(2, output);
  proto.text(3, node.name).text(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes))
    proto.message(5, () => writeAttribute(proto.text(1, name), attribute));
  if (node.domain !== '') proto.text(7, node.domain);
}

function writeAttribute(proto: ProtobufWriter, attribute: Attribute): void {
  if ('float' in attribute) proto.float(2, attribute.float).integer(20, 1);
  else if ('int' in attribute) proto.integer(3, attribute.int).integer(20, 2);
  else if ('string' in attribute) proto.text(4, attribute.string).integer(20, 3);
  else if ('floats' in attribute) {
    for (const value of attribute.floats) proto.float(7, value);
    proto.integer(20, 6);
  } else {
    for (const value of attribute.ints) proto.integer(8, value);
    proto.integer(20, 7);
  }
}

function writeConstant(proto: ProtobufWriter, constant: GraphConstant): void {
  for (const size of constant.dims) proto.integer(1, size);
  proto.integer(2, ONNX_TYPE[constant.type]).text(8, constant.name).bytes(9, rawData(constant));
}

function rawData({ type, data }: GraphConstant): Uint8Array {
  // Constructors take lists several times as fast as `from`, which walks them by their iterators.
  if (type === 'float16') return new Uint8Array(encodeFloat16(new Float32Array(data)).buffer);
  if (type === 'int64') return new Uint8Array(new BigInt64Array(data.map(BigInt)).buffer);
  const Elements = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array }[type];
  return new Uint8Array(new Elements(data).buffer);
}

function writeWeight(proto: ProtobufWriter, weight: GraphWeight, location: string): void {
  const { offset, byteLength } = sourceOf(weight);
  for (const size of weight.dims) proto.integer(1, size);
  proto.integer(2, ONNX_TYPE[weight.type]).text(8, weight.name);
  for (const [key, value] of [
    ['location', location],
    ['offset', offset],
    ['length', byteLength],
  ] as const) {
    proto.message(13, () => proto.text(1, key).text(2, String(value)));
  }
  proto.integer(14, 1);
}

function writePort(proto: ProtobufWriter, port: GraphPort): void {
  const writeShape = (): void => {
    for (let axis = 0; axis < port.rank; axis++) proto.message(1, () => writeSize(proto, port, axis));
  };
  const writeTensor = (): void => {
    proto.integer(1, ONNX_TYPE[port.type]);
    if (port.rank !== UNKNOWN_RANK) proto.message(2, writeShape);
  };
  proto.text(1, port.name).message(2, () => proto.message(1, writeTensor));
}

/** A size, or a name that stands for any. */
function writeSize(proto: ProtobufWriter, { name, dims }: GraphPort, axis: number): void {
  if (dims === undefined) proto.text(2, `${name}.${axis}`);
  else proto.integer(1, dims[axis] as number);
}

/** How a session treats a graph. */
export function sessionModeOf({ memoryFormat, packsWeights }: Graph): SessionMode {
  if (memoryFormat === 'channels_last') return 'channels_last';
  return packsWeights ? 'packed' : 'mapped';
}
