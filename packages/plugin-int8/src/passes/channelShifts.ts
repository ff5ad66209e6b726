import type { Graph, GraphNode } from '@thimble/core/plugin';

/** Something added to each channel of what a convolution makes, the same for all samples: as good as a bias. */
export interface ChannelShift {
  /** The addition. */
  readonly node: GraphNode;
  /** What is added, [1, c, 1, 1]. */
  readonly by: string;
}

/** The convolutions whose outputs nothing reads but such an addition, as that of a time embedding. */
export function channelShifts(graph: Graph): ReadonlyMap<GraphNode, ChannelShift> {
  const readers = new Map<string, GraphNode[]>();
  for (const node of graph.nodes)
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  const shifts = new Map<GraphNode, ChannelShift>();
  for (const node of graph.nodes) {
    if (node.op !== 'Conv') continue;
    const output = node.outputs[0] as string;
    const [reader, ...others] = readers.get(output) ?? [];
    const by = reader?.op === 'Add' && others.length === 0 ? reader.inputs.find((name) => name !== output) : undefined;
    if (reader !== undefined && by !== undefined && isChannelVector(graph.shapes.get(by), graph.shapes.get(output)))
      shifts.set(node, { node: reader, by });
  }
  return shifts;
}

function isChannelVector(shape: readonly number[] | undefined, of: readonly number[] | undefined): boolean {
  return (
    shape?.length === 4 &&
    shape[0] === 1 &&
    shape[1] === of?.[1] &&
    shape[2] === 1 &&
    shape[3] === 1 &&
    (of?.[2] ?? 1) * (of?.[3] ?? 1) > 1
  );
}
