import type { TensorView } from '../../weights/TensorView.js';
import { Emitter } from '../Emitter.js';
import type { Graph, GraphNode, GraphWeight } from '../Graph.js';

/**
 * Takes weights that lie transposed as they lie: a linear layer multiplies with the matrix as it is stored, and whatever else uses one gets its transpose. Passes
 * before this one see matrices as the model has them.
 */
export function layOutTransposed(graph: Graph): Graph {
  const turned = new Map(
    graph.weights.filter(({ source }) => source?.transposed !== undefined).map((weight) => [weight.name, weight]),
  );
  if (turned.size === 0) return graph;
  const emit = new Emitter('transposed');
  const shapes = new Map(graph.shapes);
  const taken = new Map([...turned.values()].map((weight) => [weight.name, takeColumns(weight, emit, shapes)]));
  const whole = new Set<string>();
  const nodes = graph.nodes.map((node): GraphNode => {
    const columns = isLinear(node) ? taken.get(node.inputs[1] ?? '') : undefined;
    for (const [at, name] of node.inputs.entries())
      if (turned.has(name) && (at !== 1 || columns === undefined)) whole.add(name);
    if (columns === undefined) return node;
    return { ...node, inputs: node.inputs.with(1, columns), attributes: { ...node.attributes, transB: { int: 0 } } };
  });
  for (const name of whole) emit.last('Transpose', [taken.get(name) as string], name, { perm: { ints: [1, 0] } });
  return graph.with({
    nodes: [...emit.nodes, ...nodes],
    constants: [...graph.constants, ...emit.constants],
    weights: graph.weights.map((weight) => (turned.has(weight.name) ? asStored(weight) : weight)),
    shapes,
  });
}

function isLinear({ op, attributes }: GraphNode): boolean {
  const { transB } = attributes;
  return op === 'Gemm' && transB !== undefined && 'int' in transB && transB.int === 1;
}

/** The whole matrix of the file, [in, of]. */
function asStored(weight: GraphWeight): GraphWeight {
  const { transposed, ...source } = weight.source as TensorView;
  const dims = [source.shape[1] as number, (transposed as NonNullable<TensorView['transposed']>).of];
  return {
    ...weight,
    name: storedName(weight),
    dims,
    shape: dims,
    rows: [0, dims[0] as number],
    source: { ...source, shape: dims },
  };
}

/** The columns that are the weight's rows: a value [in, out]. */
function takeColumns(weight: GraphWeight, emit: Emitter, shapes: Map<string, readonly number[]>): string {
  const { shape, transposed } = weight.source as TensorView;
  const [count = 1, width = 1] = shape;
  const { start, of } = transposed as NonNullable<TensorView['transposed']>;
  shapes.set(storedName(weight), [width, of]);
  if (count === of) return storedName(weight);
  const [from, to, axis] = [start, start + count, 1].map((at) => emit.constant('int64', [1], [at]));
  const columns = emit.one('Slice', [storedName(weight), from as string, to as string, axis as string]);
  shapes.set(columns, [width, count]);
  return columns;
}

function storedName({ name }: GraphWeight): string {
  return `${name}/stored`;
}
