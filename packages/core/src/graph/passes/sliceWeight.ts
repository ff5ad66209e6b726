import { sliceRows } from '../../weights/TensorView.js';
import type { GraphWeight } from '../Graph.js';
import type { Chunk } from './evenChunks.js';

/** Puts some rows of a weight among `weights`, as a weight of its own, and returns its name. */
export function sliceWeight(weight: GraphWeight, [start, count]: Chunk, weights: Map<string, GraphWeight>): string {
  const name = `${weight.name}/rows.${start}-${start + count}`;
  const source = weight.source === undefined ? {} : { source: sliceRows(weight.source, start, count) };
  const dims = [count, ...weight.dims.slice(1)];
  weights.set(name, { ...weight, ...source, name, dims, rows: [weight.rows[0] + start, count] });
  return name;
}
