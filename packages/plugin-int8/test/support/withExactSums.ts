import type { Graph, GraphNode } from '@thimble/core/plugin';

/** ONNX's numbers of types. */
const UINT8 = 2;
const INT32 = 6;

/**
 * A graph in int8 whose sums are exact on every processor: weights of uint8, whose zero is at 128, are multiplied by another kernel than those of int8,
 * which adds up in 32 bits. So a processor without VNNI gets the sums of one with VNNI, if more slowly.
 */
export function withExactSums(graph: Graph): Graph {
  const moved = new Set<string>();
  const nodes = graph.nodes.flatMap((node) => {
    if (node.op !== 'MatMulIntegerToFloat') return [node];
    const [codes, weight, scale, scales, zero, , ...bias] = node.inputs as string[];
    const name = `${weight}/exact`;
    const inputs = [codes!, name, scale!, scales!, zero!, 'exact/zero', ...bias];
    const shift = moved.has(name) ? [] : shiftNodes(weight!, name);
    moved.add(name);
    return [...shift, { ...node, inputs }];
  });
  if (moved.size === 0) return graph;
  const shift = { name: 'exact/shift', type: 'int32', dims: [], data: [128] } as const;
  return graph.with({
    nodes: [cast('exact/shift', 'exact/zero', UINT8), ...nodes],
    constants: [...graph.constants, shift],
  });
}

function shiftNodes(weight: string, name: string): readonly GraphNode[] {
  return [
    cast(weight, `${name}/wide`, INT32),
    {
      op: 'Add',
      domain: '',
      name: `${name}/add`,
      inputs: [`${name}/wide`, 'exact/shift'],
      outputs: [`${name}/shifted`],
      attributes: {},
    },
    cast(`${name}/shifted`, name, UINT8),
  ];
}

function cast(from: string, to: string, type: number): GraphNode {
  return {
    op: 'Cast',
    domain: '',
    name: `${to}/cast`,
    inputs: [from],
    outputs: [to],
    attributes: { to: { int: type } },
  };
}
