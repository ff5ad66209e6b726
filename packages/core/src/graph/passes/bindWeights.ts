import type { WeightSource, ElementType, Graph, GraphWeight } from '../Graph.js';

/** A weight as a file holds it. */
export interface StoredWeight {
  readonly type: ElementType;
  readonly source: WeightSource;
  /** Of type int8: one float32 a row. */
  readonly scale?: WeightSource;
}

/**
 * Binds the weights of a graph to the bytes that `find` names for their keys; of whole rows, to the bytes of those rows. Where it names none, a
 * weight stays as it is.
 */
export function bindWeights(graph: Graph, find: (key: string) => StoredWeight | undefined): Graph {
  return graph.with({ weights: graph.weights.map((weight) => bind(weight, find(weight.key))) });
}

function bind(weight: GraphWeight, stored: StoredWeight | undefined): GraphWeight {
  if (stored === undefined) return weight;
  const { type, source, scale } = stored;
  const { name, key, shape, dims, rows } = weight;
  return {
    name,
    key,
    shape,
    dims,
    rows,
    type,
    source: rowsOf(source, weight),
    ...(scale === undefined ? {} : { scale: rowsOf(scale, weight) }),
  };
}

function rowsOf(
  { file, offset, byteLength }: WeightSource,
  { shape, rows: [start, count] }: GraphWeight,
): WeightSource {
  const bytesPerRow = byteLength / (shape[0] ?? 1);
  return { file, offset: offset + start * bytesPerRow, byteLength: count * bytesPerRow };
}
