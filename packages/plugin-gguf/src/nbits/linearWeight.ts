import type { GraphNode, GraphWeight } from '@thimble/core/plugin';

/** The weight of a node that is x · wᵀ + b, and nothing else that Gemm can do. */
export function linearWeight(node: GraphNode, weights: ReadonlyMap<string, GraphWeight>): GraphWeight | undefined {
  if (node.op !== 'Gemm' || node.domain !== '') return undefined;
  const isLinear = Object.entries(node.attributes).every(
    ([name, attribute]) => name === 'transB' && 'int' in attribute && attribute.int === 1,
  );
  return isLinear ? weights.get(node.inputs[1] ?? '') : undefined;
}
