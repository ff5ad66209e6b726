import { refuseOption } from '../../fields/refuseOption.js';
import { checkGraph } from '../checkGraph.js';
import { Emitter } from '../Emitter.js';
import type { Graph, GraphConstant } from '../Graph.js';
import { WinogradEmitter } from './winograd/WinogradEmitter.js';
import type { WinogradPlan } from './winograd/WinogradPlan.js';
import { type WinogradSite, winogradSiteOf } from './winograd/WinogradSite.js';

/** How a convolution is computed; `undefined`: by the runtime's own kernel. */
export type ChooseConvolution = (site: WinogradSite) => WinogradPlan | undefined;

/** Whether a graph's convolutions may be computed so: not where they are in a layout of the runtime's own kernel, or packed for it. */
export function takesWinograd({ directConvolutions, memoryFormat }: Graph): boolean {
  return !directConvolutions && memoryFormat !== 'channels_last';
}

/**
 * Computes 3×3 convolutions by Winograd's algorithm where `choose` has a plan for it: a quarter of the multiplications in tiles of four pixels, four ninths in tiles of two. It is
 * made of operators of the runtime; weights are transformed in the graph, from where they lie.
 */
export function winogradConvolutions(graph: Graph, choose: ChooseConvolution): Graph {
  checkGraph(graph);
  if (typeof choose !== 'function')
    refuseOption('choose', choose, 'a function, such as (site) => planWinograd(site, 4, 2 ** 26)');
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const shared = new Map<string, GraphConstant>();
  const constants = [...graph.constants];
  const nodes = graph.nodes.flatMap((node) => {
    const site = winogradSiteOf(graph, node, makers);
    const plan = site === undefined ? undefined : choose(site);
    if (site === undefined || plan === undefined) return [node];
    const emit = new Emitter(`${node.name}/winograd`);
    new WinogradEmitter(site, plan, emit, {
      weights,
      constant: (type, name, make) => {
        const full = `winograd/${name}`;
        if (!shared.has(full)) shared.set(full, { name: full, type, ...make() });
        return full;
      },
    }).emit();
    constants.push(...emit.constants);
    return emit.nodes;
  });
  if (shared.size === 0) return graph;
  const used = new Set([...graph.outputs.map(({ name }) => name), ...nodes.flatMap(({ inputs }) => inputs)]);
  return graph.with({
    // What upsampled for a convolution is not needed any more.
    nodes: nodes.filter(({ op, outputs }) => op !== 'Resize' || outputs.some((output) => used.has(output))),
    constants: [...constants, ...shared.values()],
    weights: [...weights.values()].filter(({ name }) => used.has(name)),
  });
}
