import type { Graph, GraphNode } from '../Graph.js';
import { ONNX_TYPE } from '../operations.js';

/**
 * Puts a `Cast` to float32 behind every weight that is stored in a narrower type, because the CPU provider's kernels compute in
 * float32. The rows of an embedding are widened after they are gathered, never the whole table.
 */
export function widenWeights(graph: Graph): Graph {
  const narrow = new Map(graph.weights.filter((weight) => weight.type !== 'float32').map((weight) => [weight.name, weight]));
  if (narrow.size === 0) return graph;
  const used = new Set<string>();
  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    if (node.op === 'Gather' && narrow.has(node.inputs[0] as string)) return gatherThenCast(node);
    for (const name of node.inputs) if (narrow.has(name)) used.add(name);
    return [{ ...node, inputs: node.inputs.map((name) => (narrow.has(name) ? `${name}/f32` : name)) }];
  });
  // First in the list is last in time: the runtime orders a node's inputs by where they stand, the later ones first.
  const casts = [...used].map((name) => cast(name, `${name}/f32`));
  return graph.with({ nodes: [...casts, ...nodes] });
}

function gatherThenCast(node: GraphNode): GraphNode[] {
  const output = node.outputs[0] as string;
  return [{ ...node, outputs: [`${output}/narrow`] }, cast(`${output}/narrow`, output)];
}

function cast(from: string, to: string): GraphNode {
  return { op: 'Cast', domain: '', name: `Cast/${to}`, inputs: [from], outputs: [to], attributes: { to: { int: ONNX_TYPE.float32 } } };
}
