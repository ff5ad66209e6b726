import type { Emitter, GraphWeight } from '@thimble/core/plugin';
import { deltaRows } from '../deltas/deltaRows.js';
import { GraphMatrices } from '../deltas/GraphMatrices.js';
import type { LayerChange } from '../layers/LayerChange.js';
import type { ScaleInputs } from './ScaleInputs.js';

/** What {@link changeWeight} adds to. */
export interface ChangeParts {
  readonly emit: Emitter;
  readonly weights: Map<string, GraphWeight>;
  readonly scales: ScaleInputs;
}

/**
 * Computes the weight as LoRAs change it, in the graph: w + Σ scale · factor · delta. A DoRA brings each row of that to a length of its own, and counts as the difference that
 * this makes (source: S.-Y. Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation", 2024; peft tuners/lora/dora.py). Returns the name of the value, of the weight's shape.
 */
export function changeWeight(weight: GraphWeight, changes: readonly LayerChange[], parts: ChangeParts): string {
  const { emit } = parts;
  const [plain, brought] = [
    changes.filter(({ magnitude }) => magnitude === undefined),
    changes.filter(({ magnitude }) => magnitude !== undefined),
  ];
  let sum = weight.name;
  for (const change of plain) sum = emit.one('Add', [sum, scaledDelta(weight, change, parts)]);
  for (const change of brought) {
    const whole = bring(emit.one('Add', [weight.name, scaledDelta(weight, change, parts)]), weight, change, parts);
    sum = sum === weight.name ? whole : emit.one('Add', [sum, emit.one('Sub', [whole, weight.name])]);
  }
  return sum;
}

function scaledDelta(weight: GraphWeight, change: LayerChange, { emit, weights, scales }: ChangeParts): string {
  const matrices = new GraphMatrices(emit, change.adapter, weights);
  const [first, count] = weight.rows;
  const delta = deltaRows(change.delta, matrices, change.start + first, count);
  const factor = emit.one('Mul', [scales.of(change), emit.constant('float32', [1], [change.factor])]);
  const scaled = emit.one('Mul', [delta.value, factor]);
  return weight.dims.length === 2 ? scaled : matrices.reshape(scaled, weight.dims);
}

/** Each row with the length that the file has for it. */
function bring(value: string, weight: GraphWeight, change: LayerChange, { emit, weights }: ChangeParts): string {
  const matrices = new GraphMatrices(emit, change.adapter, weights);
  const [first, count] = weight.rows;
  const magnitude = change.magnitude as NonNullable<LayerChange['magnitude']>;
  const lengths = { ...magnitude, shape: [magnitude.shape.reduce((a, b) => a * b, 1)] };
  const ones = weight.dims.slice(1).map(() => 1);
  const axes = emit.constant(
    'int64',
    [ones.length],
    ones.map((_, at) => at + 1),
  );
  const norms = emit.one('ReduceL2', [value, axes], { keepdims: { int: 1 } });
  const gains = emit.one('Div', [matrices.weight(lengths, change.start + first, count, ones), norms]);
  return emit.one('Mul', [value, gains]);
}
