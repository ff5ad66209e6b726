import type { Graph, GraphNode } from '@thimble/core/plugin';

/** Multiplications, each with an addition. */
export interface Operations {
  /** Of products with weights. */
  readonly linear: number;
  /** Of convolutions. */
  readonly convolution: number;
  /** Of attention's two products. */
  readonly attention: number;
  /** Of those among them that look from every pixel of the latents to every other. */
  readonly fullAttention: number;
  /** Elements that are made, by whatever operation: what costs time by the memory that it passes through. */
  readonly elements: number;
}

/** What a graph computes. `latents`: pixels of the latents. */
export function operationsOf(graph: Graph, latents: number): Operations {
  const counts = { linear: 0, convolution: 0, attention: 0, fullAttention: 0, elements: 0 };
  for (const node of graph.nodes) {
    const made = node.outputs.reduce((sum, name) => sum + sizeOf(graph, name), 0);
    counts.elements += made;
    if (node.op === 'Attention') {
      const scores = attentionOf(graph, node);
      counts.attention += scores;
      const tokens = [0, 1].map((input) => shapeOf(graph, node, input)[1]);
      if (tokens.every((count) => count === latents)) counts.fullAttention += scores;
    } else if (node.op === 'MatMul' || node.op === 'Gemm')
      counts.linear += made * (shapeOf(graph, node, 0).at(-1) ?? 1);
    else if (node.op === 'Conv') counts.convolution += made * windowOf(graph, node);
  }
  return counts;
}

/** Those of several graphs together. */
export function sumOperations(all: readonly Operations[]): Operations {
  const sum = (of: (operations: Operations) => number): number => all.reduce((total, each) => total + of(each), 0);
  return {
    linear: sum(({ linear }) => linear),
    convolution: sum(({ convolution }) => convolution),
    attention: sum(({ attention }) => attention),
    fullAttention: sum(({ fullAttention }) => fullAttention),
    elements: sum(({ elements }) => elements),
  };
}

/** Scores and weighted sums: queries [n, tokens, width], keys [n, tokens, width]. */
function attentionOf(graph: Graph, node: GraphNode): number {
  const [samples = 1, queries = 1, width = 1] = shapeOf(graph, node, 0);
  return 2 * samples * queries * width * (shapeOf(graph, node, 1)[1] ?? 1);
}

/** What one element of a convolution's result is summed up of. */
function windowOf(graph: Graph, node: GraphNode): number {
  const name = node.inputs[1] as string;
  const dims = graph.weights.find((weight) => weight.name === name)?.dims ?? graph.shapes.get(name) ?? [];
  return dims.slice(1).reduce((a, b) => a * b, 1);
}

function shapeOf(graph: Graph, node: GraphNode, input: number): readonly number[] {
  return graph.shapes.get(node.inputs[input] ?? '') ?? [];
}

function sizeOf(graph: Graph, name: string): number {
  return (graph.shapes.get(name) ?? []).reduce((a, b) => a * b, 1);
}
