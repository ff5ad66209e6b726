import type { ModelConfig } from '../models/ConfigReader.js';
import type { InputShapes, ModelEntry } from '../models/Model.js';

const TOKENS = 77;
const SIZE = 64;

/** Sizes to build graphs for before the first call tells the real ones: a batch of 1 at the model's own size. */
export function nominalShapes(entry: ModelEntry, config: ModelConfig): InputShapes {
  const { sample_size: sampleSize, max_position_embeddings: positions, hidden_size: width } = config;
  const pick = (value: unknown, fallback: number): number => (typeof value === 'number' ? value : fallback);
  const sizes: Readonly<Record<string, number>> = {
    batch: 1,
    tokens: pick(positions, TOKENS),
    width: pick(width, 1),
    height: pick(sampleSize, SIZE),
  };
  return Object.fromEntries(Object.entries(entry.inputs).filter(([, input]) => input.optional !== true).map(([name, { types, dims }]) => [
    name,
    { type: types[0] as (typeof types)[number], dims: dims.map((size) => (typeof size === 'number' ? size : (sizes[size] ?? (sizes['height'] as number)))) },
  ]));
}
