import { MemoryBudget } from '../../../device/MemoryBudget.js';
import { checkGraph } from '../../checkGraph.js';
import type { Graph } from '../../Graph.js';
import { checkConvolution, chooseConvolution, type Convolution } from './chooseConvolution.js';
import { winogradSiteOf } from './WinogradSite.js';

/** How many of a graph's two-dimensional convolutions are computed how. */
export interface ConvolutionCounts {
  /** By Winograd's algorithm in tiles of four pixels, F(4,3). */
  readonly fours: number;
  /** In tiles of two, F(2,3). */
  readonly twos: number;
  /** By the runtime's own kernel. */
  readonly direct: number;
}

/** Counts a graph's convolutions, without a memory limit, by how this machine's processor computes them. */
export function countConvolutions(graph: Graph, convolution: Convolution): ConvolutionCounts {
  checkGraph(graph);
  checkConvolution(convolution);
  const choose = chooseConvolution(convolution, new MemoryBudget().convolutionBytes);
  const tiles = graph.nodes
    .filter(({ op, inputs }) => op === 'Conv' && graph.shapes.get(inputs[0] as string)?.length === 4)
    .map((node) => {
      const site = winogradSiteOf(graph, node);
      return site === undefined ? undefined : choose(site)?.tile;
    });
  const count = (tile: number | undefined): number => tiles.filter((each) => each === tile).length;
  return { fours: count(4), twos: count(2), direct: count(undefined) };
}
