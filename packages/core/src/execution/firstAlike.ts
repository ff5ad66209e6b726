import type { Graph } from '../graph/Graph.js';

/**
 * Of each graph the first one in the list that has the same operations, wiring and sizes, whatever its weights are called: the layers of a model repeat, and what is worked out of sizes alone is the same for all of
 * them.
 */
export function firstAlike(graphs: readonly Graph[]): readonly Graph[] {
  const first = new Map<string, Graph>();
  return graphs.map((graph) => {
    const structure = structureOf(graph);
    const known = first.get(structure) ?? graph;
    first.set(structure, known);
    return known;
  });
}

/** Values of nodes and constants are numbered within a graph; weights are by their places in its list. Of attributes only the axis says more than sizes do. */
function structureOf({ nodes, weights, shapes, inputs, outputs }: Graph): string {
  const places = new Map(weights.map(({ name }, place) => [name, place]));
  const parts: unknown[] = [];
  for (const { name, type } of [...inputs, ...outputs]) parts.push(name, type, shapes.get(name));
  for (const { name, dims } of weights) parts.push(places.get(name), dims);
  for (const node of nodes) {
    parts.push(node.op, node.domain, node.attributes['axis'] && JSON.stringify(node.attributes['axis']));
    for (const input of node.inputs) parts.push(places.get(input) ?? input);
    for (const output of node.outputs) parts.push(output, shapes.get(output));
  }
  return parts.join(' ');
}
