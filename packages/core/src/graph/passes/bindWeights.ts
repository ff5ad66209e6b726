import { checkMembers } from '../../fields/checkMembers.js';
import { checkGraph } from '../checkGraph.js';
import { sliceRows } from '../../weights/TensorView.js';
import type { WeightStore } from '../../weights/WeightStore.js';
import type { Graph } from '../Graph.js';

/** Binds the weights of a graph to where a store has them; of whole rows, to those rows. What the store lacks stays as it is. */
export function bindWeights(graph: Graph, store: Pick<WeightStore, 'find'>): Graph {
  checkGraph(graph);
  checkMembers('store', store, 'a store of weights', ['find']);
  return graph.with({
    weights: graph.weights.map((weight) => {
      const view = store.find(weight.key);
      if (view === undefined) return weight;
      const source = sliceRows(view, ...weight.rows);
      if (source.swapped === true) throw new TypeError(`${weight.key} lies in two halves, and is used as a whole`);
      return { ...weight, source };
    }),
  });
}
