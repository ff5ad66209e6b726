import type { WeightSource, ElementType, Graph, GraphWeight } from '../Graph.js';

/** A weight as the checkpoint holds it. */
export interface StoredWeight {
  readonly type: ElementType;
  readonly source: WeightSource;
}

/** Binds every weight of a graph to the bytes that `find` names for its key; of whole rows, to the bytes of those rows. */
export function bindWeights(graph: Graph, find: (key: string) => StoredWeight): Graph {
  return graph.with({ weights: graph.weights.map((weight) => bind(weight, find(weight.key))) });
}

function bind(weight: GraphWeight, { type, source }: StoredWeight): GraphWeight {
  const [start, count] = weight.rows;
  const bytesPerRow = source.byteLength / (weight.shape[0] ?? 1);
  return { ...weight, type, source: { file: source.file, offset: source.offset + start * bytesPerRow, byteLength: count * bytesPerRow } };
}
