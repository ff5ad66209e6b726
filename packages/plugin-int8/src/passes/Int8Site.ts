import type { Graph, GraphNode, GraphWeight } from '@thimble/core/plugin';

/** A node that multiplies with a weight, seen as one product of matrices. */
export interface Int8Site {
  readonly node: GraphNode;
  readonly weight: GraphWeight;
  /** Tokens or pixels of all samples: rows of the result. */
  readonly rows: number;
  /** Input channels times taps: what is summed over. */
  readonly inner: number;
  /** Output channels: columns of the result. */
  readonly columns: number;
}

/** The node as a product of matrices; `undefined` for one that is none, or whose sizes are not known. */
export function int8SiteOf(
  graph: Graph,
  node: GraphNode,
  weights: ReadonlyMap<string, GraphWeight>,
): Int8Site | undefined {
  const weight = weights.get(node.inputs[1] ?? '');
  const output = graph.shapes.get(node.outputs[0] ?? '');
  if (node.domain !== '' || weight === undefined || output === undefined || !graph.shapes.has(node.inputs[0] as string))
    return undefined;
  const [columns = 0, ...rest] = weight.dims;
  const site = { node, weight, columns, inner: product(rest), rows: product(output) / columns };
  if (node.op === 'Gemm') return isLinear(node) ? site : undefined;
  return node.op === 'Conv' && weight.dims.length === 4 ? site : undefined;
}

/** x · wᵀ + b, and nothing else that Gemm can do. */
function isLinear({ attributes }: GraphNode): boolean {
  return Object.entries(attributes).every(
    ([name, attribute]) => name === 'transB' && 'int' in attribute && attribute.int === 1,
  );
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}
