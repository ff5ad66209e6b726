import { checkMembers } from '../../../fields/checkMembers.js';
import { checkGraph } from '../../checkGraph.js';
import type { Graph, GraphNode } from '../../Graph.js';
import { checkConvolution, type Convolution, tableRowOf } from './chooseConvolution.js';
import { planWinograd } from './WinogradPlan.js';
import { takesWinograd } from '../winogradConvolutions.js';
import { winogradSiteOf } from './WinogradSite.js';

/**
 * Whether a convolution of a graph is faster in float32, by Winograd's algorithm, than the runtime's int8 kernels could compute it on this machine's processor: by the table, never by a
 * measurement. `budget`: the bytes that it may take for itself, by `MemoryBudget.convolutionBytes`.
 */
export function outrunsInt8(graph: Graph, node: GraphNode, convolution: Convolution, budget: number): boolean {
  checkGraph(graph);
  checkMembers('node', node, 'a node of the graph', ['op', 'inputs', 'outputs', 'attributes']);
  checkConvolution(convolution);
  if (!takesWinograd(graph)) return false;
  const site = winogradSiteOf(graph, node);
  if (site === undefined) return false;
  const row = tableRowOf(site, convolution, budget);
  return row?.outrunsInt8 === true && planWinograd(site, row.tile, budget) !== undefined;
}
