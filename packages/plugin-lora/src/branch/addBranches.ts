import { Emitter, type Graph, type GraphNode, type GraphWeight } from '@thimble/core/plugin';
import { GraphMatrices } from '../deltas/GraphMatrices.js';
import type { LayerChange } from '../layers/LayerChange.js';
import { changeWeight } from './changeWeight.js';
import { emitConvolutionBranch, emitLinearBranch, isLinear, type BranchSite } from './emitBranch.js';
import type { ScaleInputs } from './ScaleInputs.js';

/** All changes of a component, by state-dict key. */
export type Changes = ReadonlyMap<string, readonly LayerChange[]>;

/**
 * Adds what LoRAs do to the layers of a graph: products of small matrices beside a linear layer or a convolution; where a change is no such product (LoHa, LoKr, DoRA) the
 * weight is changed as the graph runs. Scales are inputs of the graph.
 */
export function addBranches(graph: Graph, changes: Changes, scales: ScaleInputs): Graph {
  const changed = new Map(
    graph.weights.flatMap((weight) => {
      const own = changes.get(weight.key);
      return own === undefined ? [] : [[weight.name, { weight, changes: own }] as const];
    }),
  );
  if (changed.size === 0) return graph;
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const shapes = new Map(graph.shapes);
  const head = new Emitter('lora');
  const emitters = [head];
  const replaced = new Map<string, string>();
  const inWeight = (name: string): string => {
    const known = replaced.get(name);
    if (known !== undefined) return known;
    const { weight, changes: own } = changed.get(name) as { weight: GraphWeight; changes: readonly LayerChange[] };
    const value = changeWeight(weight, own, { emit: head, weights, scales });
    shapes.set(value, weight.dims);
    replaced.set(name, value);
    return value;
  };
  const nodes = graph.nodes.flatMap((node): readonly GraphNode[] => {
    const site = siteOf(node, changed);
    if (site === undefined)
      return node.inputs.some((name) => changed.has(name))
        ? [{ ...node, inputs: node.inputs.map((name) => (changed.has(name) ? inWeight(name) : name)) }]
        : [node];
    const emit = new Emitter(`${node.name}/lora`);
    emitters.push(emit);
    const [output] = node.outputs as [string];
    const base = `${node.name}/lora/base`;
    shapes.set(base, graph.shapes.get(output) ?? []);
    const parts = { emit, weights, scales, matrices: (owner: string) => new GraphMatrices(emit, owner, weights) };
    if (isLinear(node)) emitLinearBranch(site, base, parts);
    else emitConvolutionBranch(site, base, parts);
    return [{ ...node, outputs: [base] }, ...emit.nodes];
  });
  for (const { name } of scales.ports) shapes.set(name, [1]);
  return graph.with({
    inputs: [...graph.inputs, ...scales.ports],
    // First in the list is last in time: the runtime orders a node's inputs by where they stand, the later ones first.
    nodes: [...head.nodes, ...nodes],
    constants: [...graph.constants, ...scales.constants, ...emitters.flatMap(({ constants }) => constants)],
    weights: [...weights.values()],
    shapes,
  });
}

/** The node as one that a branch can stand beside; `undefined` for any other. */
function siteOf(
  node: GraphNode,
  changed: ReadonlyMap<string, { readonly weight: GraphWeight; readonly changes: readonly LayerChange[] }>,
): BranchSite | undefined {
  const found = changed.get(node.inputs[1] ?? '');
  if (found === undefined || node.domain !== '') return undefined;
  const others = node.inputs.filter((name, at) => at !== 1 && changed.has(name));
  const products = found.changes.every(({ delta, magnitude }) => delta.kind === 'product' && magnitude === undefined);
  if (!products || others.length > 0 || !(isLinear(node) || node.op === 'Conv')) return undefined;
  return { node, ...found };
}
