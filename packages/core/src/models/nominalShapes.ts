import { checkMembers } from '../fields/checkMembers.js';
import type { InputShapes, ModelEntry } from './Model.js';

/**
 * Sizes to build an entry point's graphs for before the first call tells the real ones: those that the entry point calls nominal, or what `given` says of
 * the names in its inputs' dims, and what follows from either. Optional inputs are left out, but for those named in `fed`.
 */
export function nominalShapes(
  entry: Pick<ModelEntry, 'inputs' | 'nominal' | 'derived'>,
  given: Readonly<Record<string, number>> = {},
  fed: readonly string[] = [],
): InputShapes {
  checkMembers('entry', entry, 'an entry point of a model', ['inputs']);
  const { inputs, nominal, derived = {} } = entry;
  const known = new Map(Object.entries({ ...nominal, ...given }));
  const sizeOf = (name: string): number => given[name] ?? derived[name]?.(known) ?? known.get(name) ?? 1;
  return Object.fromEntries(
    Object.entries(inputs)
      .filter(([name, input]) => input.optional !== true || fed.includes(name))
      .map(([name, { types, dims }]) => [
        name,
        {
          type: types[0] as (typeof types)[number],
          dims: dims.map((dim) => (typeof dim === 'number' ? dim : sizeOf(dim))),
        },
      ]),
  );
}
