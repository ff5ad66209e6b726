import type { Graph, GraphNode } from '@thimble/core/plugin';

/** Drops what no output of a graph needs any more. */
export function sweep(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const kept: GraphNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    kept.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  const isNeeded = ({ name }: { readonly name: string }): boolean => needed.has(name);
  return graph.with({
    nodes: kept.reverse(),
    constants: graph.constants.filter(isNeeded),
    weights: graph.weights.filter(isNeeded),
  });
}
