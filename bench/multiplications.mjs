/** Multiplications and additions of a graph, as pairs: those of its matrix products with weights, and those of attention's two products. */
export function multiplications(graph) {
  const counts = { linear: 0, attention: 0 };
  for (const node of graph.nodes) {
    const [a, b] = node.inputs.map((name) => graph.shapes.get(name));
    if (node.op === 'Attention') {
      const [n, queries, width] = a;
      counts.attention += 2 * n * queries * width * b[1];
    } else if (node.op === 'MatMul' || node.op === 'Gemm') {
      counts.linear += size(graph.shapes.get(node.outputs[0])) * a.at(-1);
    }
  }
  return counts;
}

function size(dims) {
  return dims.reduce((product, dim) => product * dim, 1);
}
