import { checkGraph } from './checkGraph.js';
import {
  type ElementType,
  type Graph,
  type GraphNode,
  type GraphPort,
  type GraphWeight,
  UNKNOWN_RANK,
} from './Graph.js';
import { inRuntimeOrder } from './inRuntimeOrder.js';
import { valueTypes } from './valueTypes.js';

/** What a graph is cut for, in bytes. */
export interface WeightCut {
  /** Weights that one part may read. A weight that has more is alone in its part. */
  readonly partBytes: number;
  /** Larger weights stay in their file, and so do tables of which only some rows are gathered. */
  readonly largestBytes: number;
}

/** A piece of a graph that runs by itself, whose weights are inputs. */
export interface GraphPart {
  readonly graph: Graph;
  /** The weights among its inputs. */
  readonly streamed: readonly GraphWeight[];
  /** Values that no later part needs, inputs of the whole graph among them. */
  readonly release: readonly string[];
}

/** Element types that the runtime's tensors have: what an input can be. */
const FED: ReadonlySet<ElementType> = new Set(['float32', 'float16', 'int8', 'uint8', 'int16', 'int32', 'int64']);

/**
 * Cuts a lowered graph into parts that run one after the other, each with few bytes of weights, and makes these weights inputs: so they can be read into one buffer again
 * and again, the next part's while one computes. Nodes stay in the order in which the runtime computes them.
 */
export function cutByWeights(graph: Graph, { partBytes, largestBytes }: WeightCut): readonly GraphPart[] {
  checkGraph(graph);
  const fed = fedWeights(graph, largestBytes);
  const types = valueTypes(graph);
  const groups = groupNodes(graph, fed, partBytes, types);
  return groups.map((nodes, i) => makePart(graph, nodes, { fed, types, later: groups.slice(i + 1).flat() }));
}

function fedWeights(graph: Graph, largestBytes: number): ReadonlyMap<string, GraphWeight> {
  const tables = new Set(graph.nodes.flatMap(({ op, inputs }) => (op === 'Gather' ? inputs.slice(0, 1) : [])));
  return new Map(
    graph.weights
      .filter(({ name, type, source }) => !tables.has(name) && FED.has(type) && bytesOf(source) <= largestBytes)
      .map((weight) => [weight.name, weight]),
  );
}

function bytesOf(source: GraphWeight['source']): number {
  return source?.byteLength ?? Infinity;
}

function groupNodes(
  graph: Graph,
  fed: ReadonlyMap<string, GraphWeight>,
  partBytes: number,
  types: ReadonlyMap<string, ElementType>,
): readonly (readonly GraphNode[])[] {
  const ordered = inRuntimeOrder(graph);
  const canCut = cutsWhereTypesAreKnown(graph, ordered, types);
  const groups: GraphNode[][] = [[]];
  let read = new Set<string>();
  let bytes = 0;
  for (const [at, node] of ordered.entries()) {
    const used = [...new Set(node.inputs)].filter((name) => fed.has(name));
    const missing = (): number =>
      used.reduce((sum, name) => sum + (read.has(name) ? 0 : bytesOf(fed.get(name)?.source)), 0);
    if (bytes > 0 && bytes + missing() > partBytes && canCut(at)) {
      groups.push([]);
      // In a new part all are read again.
      read = new Set();
      bytes = 0;
    }
    bytes += missing();
    for (const name of used) read.add(name);
    groups.at(-1)?.push(node);
  }
  return groups;
}

/** Whether the graph can be cut before the n-th node: the types of all values that cross have to be known. */
function cutsWhereTypesAreKnown(
  graph: Graph,
  ordered: readonly GraphNode[],
  types: ReadonlyMap<string, ElementType>,
): (at: number) => boolean {
  const made = new Map(ordered.flatMap((node, at) => node.outputs.map((output) => [output, at] as const)));
  const lastUse = new Map(ordered.flatMap((node, at) => node.inputs.map((input) => [input, at] as const)));
  for (const { name } of graph.outputs) lastUse.set(name, ordered.length);
  const unknown = [...made].filter(([name]) => !types.has(name));
  return (at) => !unknown.some(([name, from]) => from < at && (lastUse.get(name) ?? -1) >= at);
}

function makePart(
  graph: Graph,
  nodes: readonly GraphNode[],
  {
    fed,
    types,
    later,
  }: {
    readonly fed: ReadonlyMap<string, GraphWeight>;
    readonly types: ReadonlyMap<string, ElementType>;
    readonly later: readonly GraphNode[];
  },
): GraphPart {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const needed = new Set([...later.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)]);
  const fixed = new Set([...graph.weights, ...graph.constants].map(({ name }) => name));
  const portOf = (name: string): GraphPort => ({
    name,
    type: types.get(name) as ElementType,
    ...rankOf(graph, name),
  });
  const given = [...read].filter((name) => name !== '' && !made.has(name) && !fixed.has(name));
  const known = new Map([...graph.inputs, ...graph.outputs].map((port) => [port.name, port]));
  const streamed = [...fed.values()].filter(({ name }) => read.has(name));
  return {
    graph: graph.with({
      // Of what a node reads the runtime computes first what is made by the later node in the list: so it goes on in the order in which it would compute the whole graph.
      nodes: nodes.toReversed(),
      inputs: [
        ...given.map((name) => known.get(name) ?? portOf(name)),
        ...streamed.map(({ name, type, dims }) => ({ name, type, rank: dims.length, dims })),
      ],
      outputs: [...made].filter((name) => needed.has(name)).map((name) => known.get(name) ?? portOf(name)),
      constants: graph.constants.filter(({ name }) => read.has(name)),
      weights: graph.weights.filter(({ name }) => read.has(name) && !fed.has(name)),
    }),
    streamed,
    release: given.filter((name) => !needed.has(name)),
  };
}

function rankOf(graph: Graph, name: string): Pick<GraphPort, 'rank'> {
  return { rank: graph.shapes.get(name)?.length ?? UNKNOWN_RANK };
}
