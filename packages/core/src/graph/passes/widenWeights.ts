import { Emitter } from '../Emitter.js';
import type { Graph, GraphNode, GraphWeight } from '../Graph.js';
import { ONNX_TYPE } from '../operations.js';
import { Float8Widening } from './Float8Widening.js';
import { RowScales } from './RowScales.js';

/** Options of {@link widenWeights}. */
export interface WidenOptions {
  /** How weights of eight-bit floats are widened: by the runtime's `Cast`, or by moving their `bits`, which is faster on the CPU. Default 'cast'. */
  readonly float8?: 'cast' | 'bits';
}

/**
 * Widens every weight that is stored in a narrower type to float32 where it is used, because the CPU provider's kernels compute in
 * float32. The rows of an embedding are widened after they are gathered, never the whole table.
 */
export function widenWeights(graph: Graph, { float8 = 'cast' }: WidenOptions = {}): Graph {
  const narrow = new Map(graph.weights.filter(isWidened).map((weight) => [weight.name, weight]));
  if (narrow.size === 0) return graph;
  const bits = new Float8Widening(graph, float8 === 'bits' ? [...narrow.values()] : []);
  const head = new Emitter('widen');
  const used = new Set<string>();
  const scales = new RowScales();
  const nodes = graph.nodes.flatMap((node): readonly GraphNode[] => {
    const table = node.op === 'Gather' ? narrow.get(node.inputs[0] as string) : undefined;
    if (table !== undefined) return gatherThenWiden(node, table, scales);
    for (const name of node.inputs) if (narrow.has(name)) used.add(name);
    return bits.rewrite(
      { ...node, inputs: node.inputs.map((name) => (narrow.has(name) ? `${name}/f32` : name)) },
      node.inputs,
    );
  });
  for (const name of used) {
    if (bits.has(name)) bits.widen(name, `${name}/f32`, head);
    else widenOne(narrow.get(name) as GraphWeight, head, scales);
  }
  // First in the list is last in time: the runtime orders a node's inputs by where they stand, the later ones first.
  return graph.with({
    nodes: [...head.nodes, ...nodes],
    constants: [...graph.constants, ...bits.constants],
    weights: [
      ...graph.weights.map((weight) => (bits.has(weight.name) ? { ...weight, type: 'int8' as const } : weight)),
      ...scales.weights,
    ],
  });
}

/** Integers without a scale are what they are. */
function isWidened({ type, scale }: GraphWeight): boolean {
  return type !== 'float32' && (type !== 'int8' || scale !== undefined);
}

function widenOne(weight: GraphWeight, head: Emitter, scales: RowScales): void {
  const { name, type } = weight;
  if (type === 'int8') scales.widen(weight, `${name}/f32`, head);
  else head.last('Cast', [name], `${name}/f32`, toFloat32());
}

function gatherThenWiden(node: GraphNode, table: GraphWeight, scales: RowScales): readonly GraphNode[] {
  const [name, ids] = node.inputs as [string, string];
  const output = node.outputs[0] as string;
  const emit = new Emitter(`${node.name}/widen`);
  const rows = emit.one('Gather', [name, ids], { ...node.attributes });
  if (table.type === 'int8') scales.widenRows(table, rows, ids, output, emit);
  else emit.last('Cast', [rows], output, toFloat32());
  return emit.nodes;
}

function toFloat32(): Record<string, { readonly int: number }> {
  return { to: { int: ONNX_TYPE.float32 } };
}
