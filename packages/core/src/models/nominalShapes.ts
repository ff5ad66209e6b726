import { checkMembers } from '../fields/checkMembers.js';
import type { InputShapes, ModelEntry } from './Model.js';

/**
 * Sizes to build an entry point's graphs for before the first call tells the real ones: those that the entry point calls nominal, or what `given` says of
 * the names in its inputs' dims. Optional inputs are left out.
 */
export function nominalShapes(
  entry: Pick<ModelEntry, 'inputs' | 'nominal'>,
  given: Readonly<Record<string, number>> = {},
): InputShapes {
  checkMembers('entry', entry, 'an entry point of a model', ['inputs']);
  const { inputs, nominal } = entry;
  const sizes: Readonly<Record<string, number>> = { ...nominal, ...given };
  return Object.fromEntries(
    Object.entries(inputs)
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
