import type { Graph, GraphNode, GraphPort } from '../graph/Graph.js';

/** Where each weight of a graph is in its list. */
type Places = ReadonlyMap<string, number>;

/**
 * Of each graph the first one in the list that has the same operations, wiring and sizes, whatever its weights are called: the layers of a model repeat, and what is worked out of sizes alone is the same for all of
 * them.
 */
export function firstAlike(graphs: readonly Graph[]): readonly Graph[] {
  const firsts = new Map<string, { graph: Graph; places: Places }[]>();
  return graphs.map((graph) => {
    const places = new Map(graph.weights.map(({ name }, place) => [name, place]));
    const size = `${graph.nodes.length} ${graph.weights.length} ${graph.shapes.size}`;
    const known = firsts.get(size) ?? [];
    firsts.set(size, known);
    const first = known.find((other) => isAlike(other.graph, graph, { left: other.places, right: places }));
    if (first !== undefined) return first.graph;
    known.push({ graph, places });
    return graph;
  });
}

/** Values of nodes and constants are numbered within a graph; weights are by their places in its list. */
function isAlike(left: Graph, right: Graph, places: { readonly left: Places; readonly right: Places }): boolean {
  const sameShape = (a: string, b: string): boolean => sameDims(left.shapes.get(a), right.shapes.get(b));
  const samePort = (a: GraphPort, b: GraphPort): boolean =>
    a.name === b.name && a.type === b.type && sameShape(a.name, b.name);
  const sameInput = (a: string, b: string): boolean => (places.left.get(a) ?? a) === (places.right.get(b) ?? b);
  const sameOutput = (a: string, b: string): boolean => a === b && sameShape(a, b);
  const sameNode = (a: GraphNode, b: GraphNode): boolean =>
    a.op === b.op &&
    a.domain === b.domain &&
    sameAxis(a, b) &&
    each(a.inputs, b.inputs, sameInput) &&
    each(a.outputs, b.outputs, sameOutput);
  return (
    each(left.inputs, right.inputs, samePort) &&
    each(left.outputs, right.outputs, samePort) &&
    each(left.weights, right.weights, (a, b) => sameDims(a.dims, b.dims)) &&
    each(left.nodes, right.nodes, sameNode)
  );
}

/** Of attributes only the axis says more than sizes do. */
function sameAxis({ attributes: { axis: a } }: GraphNode, { attributes: { axis: b } }: GraphNode): boolean {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

function sameDims(a: readonly number[] = [], b: readonly number[] = []): boolean {
  return each(a, b, (left, right) => left === right);
}

function each<T>(a: readonly T[], b: readonly T[], isSame: (left: T, right: T) => boolean): boolean {
  return a.length === b.length && a.every((left, i) => isSame(left, b[i] as T));
}
