import { describe, expect, test } from '@jest/globals';
import { GraphBuilder } from '../../src/graph/GraphBuilder.js';
import type { Graph } from '../../src/graph/Graph.js';
import { Linear } from '../../src/graph/nn/Linear.js';
import { nameParameters, Module } from '../../src/graph/Module.js';
import { concat, gelu, mul, softmax } from '../../src/graph/operations.js';
import type { Value } from '../../src/graph/Value.js';
import { chunkFeedForward } from '../../src/graph/passes/chunkFeedForward.js';

const ROWS = 10;

class FeedForward extends Module {
  readonly value = new Linear(4, 32);
  readonly gate = new Linear(4, 32);
  readonly out = new Linear(32, 4);
  readonly #between: (x: Value) => Value;

  constructor(between: (x: Value) => Value) {
    super();
    this.#between = between;
  }

  forward(x: Value): Value {
    return this.out.forward(mul(this.value.forward(x), this.#between(this.gate.forward(x))));
  }
}

function graphOf(between: (x: Value) => Value, rows = ROWS): Graph {
  const model = new FeedForward(between);
  nameParameters(model);
  const builder = new GraphBuilder('feed-forward');
  builder.output('y', model.forward(builder.input('x', 'float32', [1, rows, 4])));
  return builder.build();
}

const count = (graph: Graph, op: string): number => graph.nodes.filter((node) => node.op === op).length;

describe('a gated feed-forward', () => {
  const graph = graphOf(gelu);

  test('is left alone where its hidden features fit', () => {
    expect(chunkFeedForward(graph, ROWS * 32 * 4)).toBe(graph);
  });

  test.each([
    [ROWS * 32 * 4 - 1, 2],
    [4 * 32 * 4, 3],
    [32 * 4, ROWS],
    [1, ROWS],
  ])('of 10 rows with a budget of %d bytes is computed in %d pieces', (budget, pieces) => {
    const chunked = chunkFeedForward(graph, budget);
    expect(count(chunked, 'Slice')).toBe(pieces);
    expect(count(chunked, 'Gemm')).toBe(3 * pieces);
    expect(count(chunked, 'Gelu')).toBe(pieces);
    const computed = new Set([...chunked.inputs, ...chunked.weights, ...chunked.constants].map(({ name }) => name));
    for (const { inputs, outputs } of chunked.nodes) {
      for (const input of inputs) expect(computed).toContain(input);
      for (const output of outputs) computed.add(output);
    }
    expect(computed).toContain('y');
  });
});

describe('weights in float16', () => {
  const source = { name: '', dtype: 'F16', shape: [], file: '', offset: 0, byteLength: 0 };
  const plain = graphOf(gelu, 16);
  const graph = plain.with({ weights: plain.weights.map((weight) => ({ ...weight, source })) });
  /** By layer, in float32. */
  const bytes = 4 * 32 * 4;

  test.each([
    ['have a name for each piece where all of them are above the budget', 2 * bytes, 2],
    ['are shared by the pieces where they fit', 3 * bytes, 1],
  ])('%s', (_what, budget, names) => {
    const { weights, nodes } = chunkFeedForward(graph, budget);
    const read = new Set(nodes.filter(({ op }) => op === 'Gemm').map(({ inputs }) => inputs[1]));
    const matrices = weights.filter(({ dims }) => dims.length === 2);
    expect(new Set(matrices.map(({ name }) => name))).toEqual(read);
    for (const key of ['value.weight', 'gate.weight', 'out.weight'])
      expect(matrices.filter((weight) => weight.key === key)).toHaveLength(names);
  });
});

/** As a block of FLUX's: what attends reads the same rows, and is joined to the features before the last layer. */
class ParallelBlock extends Module {
  readonly query = new Linear(4, 8);
  readonly hidden = new Linear(4, 32);
  readonly out = new Linear(40, 4);

  forward(x: Value): Value {
    const attended = softmax(this.query.forward(x));
    return this.out.forward(concat([attended, gelu(this.hidden.forward(x))], 2));
  }
}

test('features that are joined to what attention gave are computed in pieces, each with its rows of that', () => {
  const model = new ParallelBlock();
  nameParameters(model);
  const builder = new GraphBuilder('block');
  builder.output('y', model.forward(builder.input('x', 'float32', [2, 5, 4])));
  const chunked = chunkFeedForward(builder.build(), 4 * 32 * 4);
  expect([count(chunked, 'Gemm'), count(chunked, 'Gelu'), count(chunked, 'Softmax')]).toEqual([1 + 2 * 3, 3, 1]);
  const joins = chunked.nodes.filter(
    ({ op, attributes }) => op === 'Concat' && JSON.stringify(attributes) === '{"axis":{"int":1}}',
  );
  const pieces = joins.map(({ inputs }) => inputs.map((name) => chunked.shapes.get(name)));
  expect(pieces.map(([attended]) => attended)).toEqual([
    [4, 8],
    [4, 8],
    [2, 8],
  ]);
  expect(chunkFeedForward(builder.build(), ROWS * 32 * 4).nodes).toEqual(builder.build().nodes);
});

test('layers between which rows meet are left alone', () => {
  const graph = graphOf((x) => softmax(x));
  expect(chunkFeedForward(graph, 1)).toBe(graph);
});
