import { dirname, parse, relative, sep } from 'node:path';
import type { OnnxModel } from '../../device/OnnxModel.js';
import type { Attribute, Graph, GraphConstant, GraphNode, GraphPort, GraphWeight, WeightSource } from '../Graph.js';
import { ONNX_TYPE } from '../operations.js';
import { ProtobufWriter } from './ProtobufWriter.js';

/** ONNX's intermediate representation version and operator set: the first with native `Gelu`. */
const IR_VERSION = 9;
const OPSET = 20;

/**
 * Serialises a graph whose weights are bound and whose composites are lowered. Each weight becomes external data that points
 * into the file it lies in.
 */
export function serializeOnnx(graph: Graph): OnnxModel {
  const folder = commonFolder(graph.weights.map((weight) => sourceOf(weight).file));
  const body = new ProtobufWriter();
  for (const node of graph.nodes) body.bytes(1, writeNode(node));
  body.bytes(2, graph.name);
  for (const constant of graph.constants) body.bytes(5, writeConstant(constant));
  for (const weight of graph.weights) body.bytes(5, writeWeight(weight, folder ?? ''));
  for (const input of graph.inputs) body.bytes(11, writePort(input));
  for (const output of graph.outputs) body.bytes(12, writePort(output));
  const domains = new Set(graph.nodes.map((node) => node.domain));
  const model = new ProtobufWriter().integer(1, IR_VERSION).bytes(2, 'thimble').bytes(7, body);
  model.bytes(8, new ProtobufWriter().bytes(1, '').integer(2, OPSET));
  if (domains.has('com.microsoft')) model.bytes(8, new ProtobufWriter().bytes(1, 'com.microsoft').integer(2, 1));
  return { name: graph.name, bytes: model.finish(), ...(folder === undefined ? {} : { folder }) };
}

function sourceOf(weight: GraphWeight): WeightSource {
  if (weight.source === undefined) throw new TypeError(`weight ${weight.key} is not bound to a checkpoint`);
  return weight.source;
}

/** The deepest folder that holds all files: the runtime refuses locations outside the folder it is given. */
function commonFolder(files: readonly string[]): string | undefined {
  const [first, ...rest] = new Set(files.map((file) => dirname(file)));
  if (first === undefined) return undefined;
  const { root } = parse(first);
  let common = first.slice(root.length).split(sep);
  for (const folder of rest) {
    const parts = folder.slice(root.length).split(sep);
    const differs = common.findIndex((part, i) => part !== parts[i]);
    if (differs >= 0) common = common.slice(0, differs);
  }
  return root + common.join(sep);
}

function writeNode(node: GraphNode): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const input of node.inputs) proto.bytes(1, input);
  for (const output of node.outputs) proto.bytes(2, output);
  proto.bytes(3, node.name).bytes(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) proto.bytes(5, writeAttribute(name, attribute));
  if (node.domain !== '') proto.bytes(7, node.domain);
  return proto;
}

function writeAttribute(name: string, attribute: Attribute): ProtobufWriter {
  const proto = new ProtobufWriter().bytes(1, name);
  if ('float' in attribute) return proto.float(2, attribute.float).integer(20, 1);
  if ('int' in attribute) return proto.integer(3, attribute.int).integer(20, 2);
  if ('string' in attribute) return proto.bytes(4, attribute.string).integer(20, 3);
  if ('floats' in attribute) {
    for (const value of attribute.floats) proto.float(7, value);
    return proto.integer(20, 6);
  }
  for (const value of attribute.ints) proto.integer(8, value);
  return proto.integer(20, 7);
}

function writeConstant(constant: GraphConstant): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const size of constant.dims) proto.integer(1, size);
  return proto.integer(2, ONNX_TYPE[constant.type]).bytes(8, constant.name).bytes(9, rawData(constant));
}

function rawData({ type, data }: GraphConstant): Uint8Array {
  if (type === 'int64') return new Uint8Array(BigInt64Array.from(data, BigInt).buffer);
  return new Uint8Array((type === 'int32' ? Int32Array.from(data) : Float32Array.from(data)).buffer);
}

function writeWeight(weight: GraphWeight, folder: string): ProtobufWriter {
  const { file, offset, byteLength } = sourceOf(weight);
  const proto = new ProtobufWriter();
  for (const size of weight.dims) proto.integer(1, size);
  proto.integer(2, ONNX_TYPE[weight.type]).bytes(8, weight.name);
  for (const [key, value] of [['location', relative(folder, file)], ['offset', offset], ['length', byteLength]] as const) {
    proto.bytes(13, new ProtobufWriter().bytes(1, key).bytes(2, String(value)));
  }
  return proto.integer(14, 1);
}

function writePort(port: GraphPort): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (let axis = 0; axis < port.rank; axis++) shape.bytes(1, new ProtobufWriter().bytes(2, `${port.name}.${axis}`));
  const tensor = new ProtobufWriter().integer(1, ONNX_TYPE[port.type]).bytes(2, shape);
  return new ProtobufWriter().bytes(1, port.name).bytes(2, new ProtobufWriter().bytes(1, tensor));
}
