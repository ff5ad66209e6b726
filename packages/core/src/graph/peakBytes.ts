import { refuseOption } from '../fields/refuseOption.js';
import { checkGraph } from './checkGraph.js';
import type { Graph, GraphNode } from './Graph.js';

const BYTES: Readonly<Record<string, number>> = { float32: 4, float16: 2 };

/** Operations that the runtime computes in the place of an input that nothing else reads. */
const IN_PLACE = new Set(['Add', 'Sub', 'Mul', 'Sigmoid', 'Relu', 'Identity', 'Reshape']);

/** Most bytes that a graph's values take at once while it runs, node by node; weights are not counted. `inside`: what a node takes for itself. */
export function peakBytes(graph: Graph, inside: (node: GraphNode) => number = () => 0): number {
  checkGraph(graph);
  if (typeof inside !== 'function') refuseOption('inside', inside, 'a function');
  const types = new Map([...graph.inputs, ...graph.outputs].map(({ name, type }) => [name, type]));
  const sizes = new Map([...graph.weights, ...graph.constants].map(({ name }) => [name, 0]));
  const sizeOf = (name: string): number => {
    let size = sizes.get(name);
    if (size !== undefined) return size;
    size = BYTES[types.get(name) ?? 'float32'] ?? 4;
    for (const length of graph.shapes.get(name) ?? []) size *= length;
    sizes.set(name, size);
    return size;
  };
  const lastReader = new Map<string, number>();
  for (const [i, { inputs }] of graph.nodes.entries()) for (const input of inputs) lastReader.set(input, i);
  const kept = new Set(graph.outputs.map(({ name }) => name));
  let live = graph.inputs.reduce((sum, { name }) => sum + sizeOf(name), 0);
  let peak = live;
  for (const [i, node] of graph.nodes.entries()) {
    const ending = [...new Set(node.inputs)].filter((input) => lastReader.get(input) === i && !kept.has(input));
    const size = node.outputs.reduce((sum, output) => sum + sizeOf(output), 0);
    const reused = IN_PLACE.has(node.op) && ending.some((input) => sizeOf(input) === size) ? size : 0;
    peak = Math.max(peak, live + size - reused + inside(node));
    live += size - ending.reduce((sum, input) => sum + sizeOf(input), 0);
  }
  return peak;
}
