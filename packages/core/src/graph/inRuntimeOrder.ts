import type { Graph, GraphNode } from './Graph.js';

/** The nodes of a graph in the order in which the runtime computes them: from the outputs backwards, and of what a node reads first what is made by the later node in the list. */
export function inRuntimeOrder({ nodes, outputs }: Graph): readonly GraphNode[] {
  const makers = new Map(nodes.flatMap((node, at) => node.outputs.map((output) => [output, at] as const)));
  const makersOf = (names: readonly string[]): readonly number[] =>
    [...new Set(names.flatMap((name) => makers.get(name) ?? []))].toSorted((a, b) => b - a);
  const ordered = new Set<GraphNode>();
  const visit = (at: number): void => {
    const node = nodes[at] as GraphNode;
    if (ordered.has(node)) return;
    for (const maker of makersOf(node.inputs)) visit(maker);
    ordered.add(node);
  };
  for (const maker of makersOf(outputs.map(({ name }) => name))) visit(maker);
  return [...ordered];
}
