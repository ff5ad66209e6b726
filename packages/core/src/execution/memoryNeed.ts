import type { Graph, GraphNode } from '../graph/Graph.js';
import type { Outline } from '../graph/Outline.js';
import { inRuntimeOrder } from '../graph/inRuntimeOrder.js';
import { isAttention, siteOf } from '../graph/passes/AttentionLowering.js';
import { attendsByHeads, scoreBudget } from '../graph/passes/chunkedAttention.js';
import { chunkFeedForward } from '../graph/passes/chunkFeedForward.js';
import { chunkJoinedChannels } from '../graph/passes/chunkJoinedChannels.js';
import { FLOAT32_BYTES } from '../graph/passes/float32Bytes.js';
import { Projections } from '../graph/passes/projectByHeads.js';
import { peakBytes } from '../graph/peakBytes.js';

/** Copies of an attention's queries that it makes in another order, beside what goes in and comes out. */
const ATTENTION_COPIES = 4;

/** The same where heads are taken one after the other: one is cut into its pieces, and the pieces of the outputs are there before they are joined. */
const COPIES_BY_HEADS = 2;

/** Where queries, keys and values are made some heads at a time: those of some heads, while they are made and as attention copies them. The pieces of the outputs are there before they are joined. */
const PROJECTED_PIECES = 3;

/**
 * About how many bytes the values of an entry point take at once, where its segments run one after the other: the most that one needs, and what waits for a
 * later one. `transientBytes` is what a layer may take for itself; values from `parkedFrom` bytes on wait elsewhere.
 */
export function memoryNeed(
  { segments, outputs }: Pick<Outline, 'segments' | 'outputs'>,
  graphs: readonly Graph[],
  { transientBytes, parkedFrom = Infinity }: { readonly transientBytes: number; readonly parkedFrom?: number },
): number {
  const sizes = new Map<string, number>();
  const lastReader = new Map<string, number>();
  for (const [i, { inputs, outputs: results }] of segments.entries()) {
    const graph = graphs[i] as Graph;
    for (const [port, value] of [...Object.entries(inputs), ...Object.entries(results)])
      sizes.set(value, bytesOf(graph, port));
    for (const value of Object.values(inputs)) lastReader.set(value, i);
  }
  for (const value of outputs.values()) lastReader.set(value, segments.length);
  const made = new Set(segments.flatMap(({ outputs: results }) => Object.values(results)));
  // What a call is given is there from its beginning.
  const live = new Set([...lastReader.keys()].filter((value) => !made.has(value)));
  let most = 0;
  for (const [i, { inputs, outputs: results }] of segments.entries()) {
    const own = new Set(Object.values(inputs));
    const waiting = [...live].filter((value) => !own.has(value) && (sizes.get(value) ?? 0) < parkedFrom);
    const inside = segmentBytes(graphs[i] as Graph, transientBytes);
    most = Math.max(most, inside + waiting.reduce((sum, value) => sum + (sizes.get(value) ?? 0), 0));
    for (const value of Object.values(results)) live.add(value);
    for (const value of live) if ((lastReader.get(value) ?? -1) <= i) live.delete(value);
  }
  return most + transientBytes;
}

/** What was found of graphs that are still there, by what a layer may take: who plans asks for several ways to keep what waits, and none of them changes a segment. */
const found = new WeakMap<Graph, Map<number, number>>();

/** The most that a segment's own values take. */
function segmentBytes(graph: Graph, transientBytes: number): number {
  const known = found.get(graph) ?? new Map<number, number>();
  found.set(graph, known);
  const bytes = known.get(transientBytes) ?? ownBytes(inChunks(graph, transientBytes), transientBytes);
  known.set(transientBytes, bytes);
  return bytes;
}

function ownBytes(graph: Graph, transientBytes: number): number {
  const projected = projectedAttentions(graph, transientBytes);
  const inside = (node: GraphNode): number =>
    isAttention(node) ? attentionBytes(graph, node, { transientBytes, made: projected.get(node) }) : 0;
  return peakBytes(without(graph, [...projected.values()].flat()), inside);
}

/** Attentions that take some heads at a time, and whose queries, keys and values are made so: with everything that makes them, from their linear layers on. */
function projectedAttentions(graph: Graph, transientBytes: number): ReadonlyMap<GraphNode, readonly GraphNode[]> {
  const attending = graph.nodes.filter((node) => isAttention(node) && isByHeads(graph, node, transientBytes));
  if (attending.length === 0) return new Map();
  const projections = new Projections(graph, transientBytes);
  return new Map(
    attending.flatMap((node) => {
      const made = node.inputs.slice(0, 3).map((value) => projections.behind(value, node));
      return made.every((nodes) => nodes !== undefined) ? [[node, made.flat()] as const] : [];
    }),
  );
}

/** A graph in which what some nodes make takes nothing. */
function without(graph: Graph, nodes: readonly GraphNode[]): Graph {
  if (nodes.length === 0) return graph;
  const values = new Set(nodes.flatMap(({ outputs }) => outputs));
  return graph.with({
    shapes: new Map([...graph.shapes].map(([name, dims]) => [name, values.has(name) ? [0] : dims])),
  });
}

/** Where its queries are large, every way to compute it that is not asked for takes its heads some at a time. */
function isByHeads(graph: Graph, node: GraphNode, transientBytes: number): boolean {
  const queries = bytesOf(graph, node.inputs[0] as string);
  return queries > transientBytes && attendsByHeads(siteOf(graph, node), scoreBudget(transientBytes, 'cpu'));
}

/** What an attention takes for itself; `made`: what makes its queries, keys and values some heads at a time. */
function attentionBytes(
  graph: Graph,
  node: GraphNode,
  { transientBytes, made }: { readonly transientBytes: number; readonly made: readonly GraphNode[] | undefined },
): number {
  const queries = bytesOf(graph, node.inputs[0] as string);
  if (!isByHeads(graph, node, transientBytes)) return transientBytes + ATTENTION_COPIES * queries;
  if (made === undefined) return transientBytes + COPIES_BY_HEADS * queries;
  // Queries, keys and values are made of the same tokens, which stay until the last heads are made.
  const layers = made.filter(({ op }) => op === 'Gemm');
  const tokens = layers.reduce((sum, { inputs }) => sum + bytesOf(graph, inputs[0] as string), 0) / 3;
  return PROJECTED_PIECES * transientBytes + tokens + queries;
}

/** As it will be lowered. What adds up chunks is not listed in the order of time. */
function inChunks(graph: Graph, bytes: number): Graph {
  const chunked = chunkFeedForward(graph, bytes);
  const joined = chunkJoinedChannels(chunked, bytes);
  return joined === chunked ? chunked : joined.with({ nodes: inRuntimeOrder(joined) });
}

function bytesOf(graph: Graph, value: string): number {
  return graph.shapeOf(value).reduce((a, b) => a * b, FLOAT32_BYTES);
}
