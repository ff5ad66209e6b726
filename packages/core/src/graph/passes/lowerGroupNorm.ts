import { Emitter } from '../Emitter.js';
import { type Attribute, COMPOSITE_DOMAIN, type Graph, type GraphNode } from '../Graph.js';

/** The runtime's InstanceNormalization adds up in float32 one by one: of 2^17 elements the error is 3e-6, of 2^22 it is 2e-4. */
const MOST_AT_ONCE = 2 ** 17;

/** Replaces every composite `GroupNormalization` (x [n, c, …, w], gain and bias [c, 1, …, 1]) of a graph by operators of the runtime. */
export function lowerGroupNorm(graph: Graph): Graph {
  if (!graph.nodes.some(isGroupNorm)) return graph;
  const constants = [...graph.constants];
  const nodes = graph.nodes.flatMap((node) => {
    if (!isGroupNorm(node)) return [node];
    const emit = new Emitter(node.name);
    lower(node, graph.shapeOf(node.inputs[0] as string) as Shape, emit);
    constants.push(...emit.constants);
    return emit.nodes;
  });
  return graph.with({ nodes, constants });
}

type Shape = readonly [n: number, c: number, ...rest: number[]];

function isGroupNorm({ domain, op }: GraphNode): boolean {
  return domain === COMPOSITE_DOMAIN && op === 'GroupNormalization';
}

function lower(node: GraphNode, shape: Shape, emit: Emitter): void {
  const { num_groups: count, epsilon } = node.attributes as { num_groups: { int: number }; epsilon: { float: number } };
  const [, c, ...rest] = shape;
  if (rest.reduce((a, b) => a * b, c / count.int) > MOST_AT_ONCE)
    lowerByLines(node, shape, count.int, epsilon.float, emit);
  else lowerToInstances(node, shape, count.int, epsilon, emit);
}

/** InstanceNormalization over [n, groups, rest]. */
function lowerToInstances(
  node: GraphNode,
  [, ...rest]: Shape,
  groups: number,
  epsilon: Attribute,
  emit: Emitter,
): void {
  const [x, gain, bias] = node.inputs as [string, string, string];
  const grouped = emit.one('Reshape', [x, emit.constant('int64', [3], [0, groups, -1])]);
  const [ones, zeros] = [1, 0].map((value) =>
    emit.constant(
      'float32',
      [groups],
      Array.from({ length: groups }, () => value),
    ),
  ) as [string, string];
  const normal = emit.one('InstanceNormalization', [grouped, ones, zeros], { epsilon });
  const back = emit.one('Reshape', [normal, emit.constant('int64', [rest.length + 1], [-1, ...rest])]);
  emit.last('Add', [emit.one('Mul', [back, gain]), bias], node.outputs[0] as string);
}

/** Sums line by line, then over the lines: no sum is long. */
function lowerByLines(node: GraphNode, [, ...rest]: Shape, groups: number, epsilon: number, emit: Emitter): void {
  const [x, gain, bias] = node.inputs as [string, string, string];
  const w = rest.at(-1) as number;
  const axes = [2, 3].map((axis) => emit.constant('int64', [1], [axis])) as [string, string];
  const reduce = (op: string, value: string, axis: string): string =>
    emit.one(op, [value, axis], { keepdims: { int: 1 } });
  const lines = emit.one('Reshape', [x, emit.constant('int64', [4], [0, groups, -1, w])]);
  const distance = emit.one('Sub', [lines, reduce('ReduceMean', reduce('ReduceMean', lines, axes[1]), axes[0])]);
  const squares = reduce('ReduceMean', reduce('ReduceSumSquare', distance, axes[1]), axes[0]);
  const variance = emit.one('Mul', [squares, emit.constant('float32', [], [1 / w])]);
  const deviation = emit.one('Reciprocal', [
    emit.one('Sqrt', [emit.one('Add', [variance, emit.constant('float32', [], [epsilon])])]),
  ]);
  const gains = emit.one('Reshape', [gain, emit.constant('int64', [4], [1, groups, -1, 1])]);
  const scale = emit.one('Reshape', [
    emit.one('Mul', [deviation, gains]),
    emit.constant('int64', [rest.length + 1], [-1, rest[0], ...rest.slice(1).map(() => 1)]),
  ]);
  const back = emit.one('Reshape', [distance, emit.constant('int64', [rest.length + 1], [-1, ...rest])]);
  emit.last('Add', [emit.one('Mul', [back, scale]), bias], node.outputs[0] as string);
}
