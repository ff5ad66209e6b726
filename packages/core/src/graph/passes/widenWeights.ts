import type { Emitter } from '../Emitter.js';
import type { Graph, GraphNode, GraphWeight } from '../Graph.js';
import { Initializers, StorageEmitter } from '../storage/StorageEmitter.js';
import type { BoundWeight } from '../storage/StorageFormat.js';
import { type NarrowWeight, narrowWeightOf } from '../storage/storageFormats.js';
import { DeferredFactors } from './DeferredFactors.js';
import { layOutTransposed } from './layOutTransposed.js';

/** Options of {@link widenWeights}. */
export interface WidenOptions {
  /** Whether weights are widened by the nodes that are fastest on the CPU provider, in place of the fewest. Default false. */
  readonly fast?: boolean | undefined;
}

/**
 * Widens every weight that is stored in a narrower type to float32 where it is used, because the CPU provider's kernels compute in
 * float32. The rows of an embedding are widened after they are gathered, never the whole table.
 */
export function widenWeights(given: Graph, { fast = false }: WidenOptions = {}): Graph {
  const graph = layOutTransposed(given);
  const narrow = narrowWeightsOf(graph);
  if (narrow.size === 0) return graph;
  const initializers = new Initializers();
  const emitters: Emitter[] = [];
  const emitter = (prefix: string): StorageEmitter => {
    const emit = new StorageEmitter(prefix, initializers, fast);
    emitters.push(emit);
    return emit;
  };
  const head = emitter('widen');
  const factors = new DeferredFactors(graph, factorsOf(narrow.values(), head), initializers);
  const used = new Set<string>();
  const nodes = graph.nodes.flatMap((node): readonly GraphNode[] => {
    const table = gatheredTable(node, narrow);
    if (table !== undefined) {
      const emit = emitter(`${node.name}/widen`);
      const [, ids] = node.inputs as [string, string];
      const site = { ids, rank: graph.shapeOf(ids).length };
      table.format.widenRows(table.weight, site, node.outputs[0] as string, emit);
      return emit.nodes;
    }
    for (const name of node.inputs) if (narrow.has(name)) used.add(name);
    const inputs = node.inputs.map((name) => (narrow.has(name) ? `${name}/f32` : name));
    return factors.rewrite({ ...node, inputs }, node.inputs);
  });
  for (const name of used) {
    const { weight, format } = narrow.get(name) as NarrowWeight;
    format.widen(weight, `${name}/f32`, head, factors.has(name));
  }
  // First in the list is last in time: the runtime orders a node's inputs by where they stand, the later ones first.
  return graph.with({
    nodes: [...head.nodes, ...nodes],
    constants: [...graph.constants, ...initializers.constants, ...emitters.flatMap(({ constants }) => constants)],
    weights: withInitializers(graph.weights, narrow, initializers),
  });
}

/** By name, the weights of a graph that have to be widened. */
export function narrowWeightsOf({ weights }: Graph): ReadonlyMap<string, NarrowWeight> {
  return new Map(
    weights.flatMap((weight) => {
      const narrow = narrowWeightOf(weight);
      return narrow === undefined ? [] : [[weight.name, narrow] as const];
    }),
  );
}

/** The table whose rows a node gathers. */
export function gatheredTable(
  { op, inputs, attributes }: GraphNode,
  narrow: ReadonlyMap<string, NarrowWeight>,
): NarrowWeight | undefined {
  const { axis } = attributes;
  const isRows = axis === undefined || ('int' in axis && axis.int === 0);
  return op === 'Gather' && isRows ? narrow.get(inputs[0] as string) : undefined;
}

/** A graph's weights as operators read them: narrow ones in the place where they were, what belongs to them at the end. */
export function withInitializers(
  weights: readonly GraphWeight[],
  narrow: ReadonlyMap<string, unknown>,
  initializers: Initializers,
): readonly GraphWeight[] {
  const names = new Set(weights.map(({ name }) => name));
  return [
    ...weights.flatMap((weight) => (narrow.has(weight.name) ? (initializers.weights.get(weight.name) ?? []) : weight)),
    ...[...initializers.weights.values()].filter(({ name }) => !names.has(name)),
  ];
}

function factorsOf(
  narrow: Iterable<NarrowWeight>,
  emit: StorageEmitter,
): ReadonlyMap<string, { readonly factor: number; readonly elements: number }> {
  const factors = new Map<string, { readonly factor: number; readonly elements: number }>();
  for (const { weight, format } of narrow) {
    const factor = format.deferrableFactor?.(weight, emit);
    if (factor !== undefined) factors.set(weight.name, { factor, elements: elementsOf(weight) });
  }
  return factors;
}

function elementsOf({ dims }: BoundWeight): number {
  return dims.reduce((a, b) => a * b, 1);
}
