import type { ElementType, Graph, GraphNode } from './Graph.js';
import { ONNX_TYPE } from './operations.js';

/** Operations whose result has the type of their first input. */
const AS_FIRST_INPUT = new Set([
  'Add',
  'AveragePool',
  'BitShift',
  'BitwiseAnd',
  'BitwiseOr',
  'Clip',
  'Concat',
  'Conv',
  'Cos',
  'Div',
  'Exp',
  'Expand',
  'Gather',
  'GatherND',
  'Gelu',
  'Gemm',
  'GlobalAveragePool',
  'Identity',
  'InstanceNormalization',
  'LayerNormalization',
  'MatMul',
  'MatMulNBits',
  'Max',
  'Mish',
  'Mul',
  'Pad',
  'Reciprocal',
  'ReduceMax',
  'ReduceMean',
  'ReduceSum',
  'ReduceSumSquare',
  'Relu',
  'Reshape',
  'Resize',
  'Sigmoid',
  'Sin',
  'Slice',
  'Softmax',
  'Split',
  'Sqrt',
  'Squeeze',
  'Sub',
  'Tanh',
  'Transpose',
  'Trilu',
  'Unsqueeze',
]);

const TYPE_OF_NUMBER = new Map(Object.entries(ONNX_TYPE).map(([type, number]) => [number, type as ElementType]));

/** The element types of a lowered graph's values, as far as they follow from its inputs, weights and constants. */
export function valueTypes({ nodes, inputs, weights, constants }: Graph): ReadonlyMap<string, ElementType> {
  const types = new Map<string, ElementType>(
    [...inputs, ...weights, ...constants].map(({ name, type }) => [name, type]),
  );
  let waiting = nodes;
  // Passes list nodes in an order of their own, in which a value may stand before those that it is made of.
  for (;;) {
    const left = waiting.filter((node) => !place(node, types));
    if (left.length === waiting.length) return types;
    waiting = left;
  }
}

/** Whether the types of a node's outputs are known now. */
function place(node: GraphNode, types: Map<string, ElementType>): boolean {
  const found = outputTypes(node, types);
  if (found === undefined) return false;
  for (const [i, name] of node.outputs.entries()) types.set(name, found[i] ?? (found[0] as ElementType));
  return true;
}

function outputTypes(
  { op, inputs, attributes }: GraphNode,
  types: ReadonlyMap<string, ElementType>,
): readonly ElementType[] | undefined {
  const { to } = attributes;
  if (to !== undefined && 'int' in to) {
    const type = TYPE_OF_NUMBER.get(to.int);
    return type === undefined ? undefined : [type];
  }
  if (op === 'DynamicQuantizeLinear') return ['uint8', 'float32', 'uint8'];
  if (op === 'MatMulIntegerToFloat' || op === 'DequantizeLinear' || op === 'MultiHeadAttention') return ['float32'];
  if (op === 'Shape') return ['int64'];
  if (op === 'Equal') return ['bool'];
  const first = AS_FIRST_INPUT.has(op) ? types.get(inputs[0] as string) : undefined;
  return first === undefined ? undefined : [first];
}
