/** The polynomial that is 1 at `nodes[k]` and 0 at the others, by its coefficients of 1, x, x², … with x counted from `origin`: so that an integral from there takes no differences of large numbers. */
export function lagrangePolynomial(nodes: readonly number[], k: number, origin: number): readonly number[] {
  let coefficients = [1];
  for (const [j, node] of nodes.entries()) {
    if (j === k) continue;
    const scale = nodes[k]! - node;
    const offset = origin - node;
    coefficients = [...coefficients, 0].map((c, power) => (c * offset + (coefficients[power - 1] ?? 0)) / scale);
  }
  return coefficients;
}
