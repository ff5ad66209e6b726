import { COMPOSITE_DOMAIN, type Graph, type GraphNode } from '@thimble/core/plugin';

/** A self-attention with its projections, between the norm before it and the sum behind it: `x + out(attention(norm(x)))`. */
export interface SelfAttention {
  readonly norm: GraphNode;
  /** What is normed, and what the result is added to: [n, tokens, width]. */
  readonly hidden: string;
  /** All that is computed of the normed tokens. */
  readonly inner: ReadonlySet<GraphNode>;
  readonly sum: GraphNode;
  /** What is added to `hidden`. */
  readonly result: string;
}

/** Operators that treat tokens alike, beside attention: linear layers, and what adapters put beside them. */
const BY_TOKEN = new Set(['Reshape', 'Gemm', 'MatMul', 'Mul', 'Add', 'Attention']);

/** The self-attentions of a graph in which tokens can be merged: those whose queries and keys are made of one norm, and of which nothing else is. */
export function selfAttentionsOf(graph: Graph): readonly SelfAttention[] {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const readers = readersOf(graph.nodes);
  return graph.nodes.flatMap((node) => {
    if (node.op !== 'Attention' || node.domain !== COMPOSITE_DOMAIN || node.inputs.length > 3) return [];
    const [query, key] = node.inputs.map((input) => normOf(input, makers));
    if (query === undefined || query !== key) return [];
    const found = siteOf(query, readers);
    const outputs = new Set(graph.outputs.map(({ name }) => name));
    return found === undefined || [...found.inner].some((each) => each.outputs.some((name) => outputs.has(name)))
      ? []
      : [found];
  });
}

/** The nearest layer norm that a value is made of. */
function normOf(value: string, makers: ReadonlyMap<string, GraphNode>): GraphNode | undefined {
  const waiting = [value];
  for (const name of waiting) {
    const maker = makers.get(name);
    if (maker?.op === 'LayerNormalization') return maker;
    if (maker !== undefined) waiting.push(...maker.inputs.filter((input) => !waiting.includes(input)));
  }
  return undefined;
}

function siteOf(norm: GraphNode, readers: ReadonlyMap<string, readonly GraphNode[]>): SelfAttention | undefined {
  const hidden = norm.inputs[0] as string;
  const inner = new Set<GraphNode>();
  const ends: { readonly sum: GraphNode; readonly result: string }[] = [];
  const waiting = [norm.outputs[0] as string];
  for (const value of waiting) {
    for (const node of readers.get(value) ?? []) {
      if (node.op === 'Add' && node.inputs.includes(hidden)) ends.push({ sum: node, result: value });
      else if (!BY_TOKEN.has(node.op)) return undefined;
      else if (!inner.has(node)) {
        inner.add(node);
        waiting.push(...node.outputs);
      }
    }
  }
  const [end] = ends;
  return end === undefined || ends.length > 1 ? undefined : { norm, hidden, inner, ...end };
}

function readersOf(nodes: readonly GraphNode[]): ReadonlyMap<string, readonly GraphNode[]> {
  const readers = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const input of new Set(node.inputs)) {
      const known = readers.get(input);
      if (known === undefined) readers.set(input, [node]);
      else known.push(node);
    }
  }
  return readers;
}
