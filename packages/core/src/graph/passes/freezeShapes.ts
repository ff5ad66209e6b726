import { checkGraph } from '../checkGraph.js';
import type { Graph, GraphPort } from '../Graph.js';

/** Gives a graph the sizes it was built for and no others: its inputs and outputs say them, and the runtime refuses different ones. */
export function freezeShapes(graph: Graph): Graph {
  checkGraph(graph);
  const freeze = (port: GraphPort): GraphPort => ({ ...port, dims: graph.shapeOf(port.name) });
  return graph.with({ inputs: graph.inputs.map(freeze), outputs: graph.outputs.map(freeze) });
}
