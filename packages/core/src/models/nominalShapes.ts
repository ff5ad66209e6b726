import type { ModelConfig } from '../fields/ConfigReader.js';
import type { InputShapes, ModelEntry } from './Model.js';

const TOKENS = 77;
const SIZE = 64;
const FEATURES = 768;

/** Sizes to build graphs for before the first call tells the real ones: a batch of 1 at the model's own size, or what `given` says of the names in an input's dims. */
export function nominalShapes(
  entry: ModelEntry,
  config: ModelConfig,
  given: Readonly<Record<string, number>> = {},
): InputShapes {
  const size = firstNumber(config['sample_size'], SIZE);
  const blocks = config['block_out_channels'];
  const latentSize = Math.max(1, Math.round(size / 2 ** (Array.isArray(blocks) ? blocks.length - 1 : 0)));
  const sizes: Readonly<Record<string, number>> = {
    batch: 1,
    height: size,
    width: size,
    latentHeight: latentSize,
    latentWidth: latentSize,
    tokens: firstNumber(config['max_position_embeddings'], TOKENS),
    features: firstNumber(config['hidden_size'], FEATURES),
    ...given,
  };
  return Object.fromEntries(
    Object.entries(entry.inputs)
      .filter(([, input]) => input.optional !== true)
      .map(([name, { types, dims }]) => [
        name,
        {
          type: types[0] as (typeof types)[number],
          dims: dims.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 1))),
        },
      ]),
  );
}

function firstNumber(value: unknown, fallback: number): number {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'number' ? first : fallback;
}
