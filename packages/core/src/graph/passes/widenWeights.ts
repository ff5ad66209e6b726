import type { Graph, GraphNode, GraphWeight } from '../Graph.js';
import { ONNX_TYPE } from '../operations.js';

/**
 * Puts a `Cast` to float32 behind every weight that is stored in a narrower type, because the CPU provider's kernels compute in
 * float32. The rows of an embedding are widened after they are gathered, never the whole table.
 */
export function widenWeights(graph: Graph): Graph {
  const narrow = new Map(graph.weights.filter((weight) => weight.type !== 'float32').map((weight) => [weight.name, weight]));
  if (narrow.size === 0) return graph;
  const widened = new Set<string>();
  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    if (node.op === 'Gather' && narrow.has(node.inputs[0] as string)) return gatherThenCast(node);
    const casts = node.inputs.filter((name) => narrow.has(name) && !widened.has(name));
    for (const name of casts) widened.add(name);
    const inputs = node.inputs.map((name) => (narrow.has(name) ? `${name}/f32` : name));
    return [...casts.map((name) => castOf(narrow.get(name) as GraphWeight)), { ...node, inputs }];
  });
  return graph.with({ nodes });
}

function castOf(weight: GraphWeight): GraphNode {
  return cast(weight.name, `${weight.name}/f32`);
}

function gatherThenCast(node: GraphNode): GraphNode[] {
  const output = node.outputs[0] as string;
  return [{ ...node, outputs: [`${output}/narrow`] }, cast(`${output}/narrow`, output)];
}

function cast(from: string, to: string): GraphNode {
  return { op: 'Cast', domain: '', name: `Cast/${to}`, inputs: [from], outputs: [to], attributes: { to: { int: ONNX_TYPE.float32 } } };
}
