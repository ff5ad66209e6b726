import { refuseOption } from '../../fields/refuseOption.js';
import { checkGraph } from '../checkGraph.js';
import { Emitter } from '../Emitter.js';
import { COMPOSITE_DOMAIN, type Graph, type GraphNode } from '../Graph.js';
import { intOf } from '../intOf.js';

/** One `Attention` node, with its sizes at the call the graph is built for. */
export interface AttentionSite {
  /** Names of the values; query [n, q, heads · d], key and value [n, k, heads · d]. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly output: string;
  /** What is added to the scores before the softmax, [1 or n, 1 or heads, 1 or q, k]; absent where there is none. */
  readonly mask?: { readonly name: string; readonly dims: readonly [number, number, number, number] };
  readonly batch: number;
  readonly heads: number;
  readonly headSize: number;
  readonly queries: number;
  readonly keys: number;
  readonly causal: boolean;
}

/** Emits the nodes that compute one attention. */
export type AttentionLowering = (site: AttentionSite, emit: Emitter) => void;

/** Replaces every composite `Attention` of a graph by what `lowering` emits for it. */
export function lowerAttention(graph: Graph, lowering: AttentionLowering): Graph {
  checkGraph(graph);
  if (typeof lowering !== 'function') refuseOption('lowering', lowering, 'a function, such as chunkedAttention()');
  if (!graph.nodes.some(isAttention)) return graph;
  const constants = [...graph.constants];
  const nodes = graph.nodes.flatMap((node) => {
    if (!isAttention(node)) return [node];
    const emit = new Emitter(node.name);
    lowering(siteOf(graph, node), emit);
    constants.push(...emit.constants);
    return emit.nodes;
  });
  return graph.with({ nodes, constants });
}

/** Whether a node is a composite `Attention`. */
export function isAttention(node: GraphNode): boolean {
  return node.domain === COMPOSITE_DOMAIN && node.op === 'Attention';
}

/** The sizes of a composite `Attention`. */
export function siteOf(graph: Graph, node: GraphNode): AttentionSite {
  const [query, key, value, mask] = node.inputs as [string, string, string, string?];
  const [batch, queries, width] = graph.shapeOf(query) as [number, number, number];
  const heads = intOf(node, 'heads');
  return {
    query,
    key,
    value,
    batch,
    heads,
    queries,
    output: node.outputs[0] as string,
    ...(mask === undefined
      ? {}
      : { mask: { name: mask, dims: graph.shapeOf(mask) as [number, number, number, number] } }),
    headSize: width / heads,
    keys: graph.shapeOf(key)[1] as number,
    causal: intOf(node, 'causal') === 1,
  };
}
