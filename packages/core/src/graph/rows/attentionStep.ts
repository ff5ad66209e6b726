import { Emitter } from '../Emitter.js';
import { Graph, type GraphPort } from '../Graph.js';
import type { StoredType } from './cutRows.js';

/** What passes from one piece of the keys to the next: the largest score of each query, the sum of the weights, and the weighted sum of the values. */
export const ATTENTION_STATE = ['largest', 'total', 'sum'] as const;

/**
 * Attention of one head over one piece of keys and values, with a softmax that goes on from piece to piece (Milakov and Gimelshein,
 * arXiv 1805.02867). Takes `query` [1, q, c], `key` and `value` [1, 1, k, c] of the types `stored`, and the state `<name>/in`, unless it is the first piece; gives the
 * state, [1, q, 1] and [1, q, c], or `attended` [1, q, c] if it is the last one.
 */
export function attentionStep(
  name: string,
  channels: number,
  {
    first,
    last,
    stored,
  }: {
    readonly first: boolean;
    readonly last: boolean;
    readonly stored: Readonly<Record<'key' | 'value', StoredType>>;
  },
): Graph {
  const emit = new Emitter('attention');
  const tokens = emit.constant('int64', [3], [1, -1, channels]);
  const widened = (input: 'key' | 'value'): string =>
    stored[input] === 'float32' ? input : emit.one('Cast', [input], { to: { int: 1 } });
  const axis = emit.constant('int64', [1], [-1]);
  const [key, value] = (['key', 'value'] as const).map((input) => emit.one('Reshape', [widened(input), tokens])) as [
    string,
    string,
  ];
  const query = emit.one('Mul', ['query', emit.constant('float32', [], [1 / Math.sqrt(channels)])]);
  const scores = emit.one('MatMul', [query, emit.one('Transpose', [key], { perm: { ints: [0, 2, 1] } })]);
  const highest = emit.one('ReduceMax', [scores, axis], { keepdims: { int: 1 } });
  const largest = first ? highest : emit.one('Max', [highest, 'largest/in']);
  const weights = emit.one('Exp', [emit.one('Sub', [scores, largest])]);
  const [total, sum] = [
    emit.one('ReduceSum', [weights, axis], { keepdims: { int: 1 } }),
    emit.one('MatMul', [weights, value]),
  ];
  const faded = first ? undefined : emit.one('Exp', [emit.one('Sub', ['largest/in', largest])]);
  const totals = faded === undefined ? total : emit.one('Add', [total, emit.one('Mul', ['total/in', faded])]);
  const sums = faded === undefined ? sum : emit.one('Add', [sum, emit.one('Mul', ['sum/in', faded])]);
  const outputs = last ? ['attended'] : [...ATTENTION_STATE];
  if (last) emit.last('Div', [sums, totals], 'attended');
  else
    for (const [output, state] of [
      ['largest', largest],
      ['total', totals],
      ['sum', sums],
    ] as const)
      emit.last('Identity', [state], output);
  const { nodes, constants } = emit;
  const inputs = [
    ...['query', ...(first ? [] : ATTENTION_STATE.map((state) => `${state}/in`))].map((input) => port(input, 3)),
    port('key', 4, stored.key),
    port('value', 4, stored.value),
  ];
  return new Graph({
    name,
    nodes,
    constants,
    inputs,
    outputs: outputs.map((output) => port(output, 3)),
    weights: [],
    shapes: new Map(),
  });
}

function port(name: string, rank: number, type: StoredType = 'float32'): GraphPort {
  return { name, type, rank };
}
