import { concat, split } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/**
 * Computes something that does not mix tokens for samples of different lengths at once, so that weights are read once for all: [1, tokens, …] each, one after the other on axis 1.
 */
export function together(samples: readonly Value[], compute: (tokens: Value) => Value): readonly Value[] {
  return apart(compute(concat(samples, 1)), samples);
}

/** Samples that follow one another on axis 1, each as long as its one of `like`. */
export function apart(tokens: Value, like: readonly Value[]): readonly Value[] {
  return like.length === 1
    ? [tokens]
    : split(
        tokens,
        like.map((sample) => sample.dim(1)),
        1,
      );
}

/** Values of samples as inputs or outputs of a segment: `x.0`, `x.1`. */
export function numbered(name: string, values: readonly Value[]): Record<string, Value> {
  return Object.fromEntries(values.map((value, i) => [`${name}.${i}`, value]));
}

/** The values that {@link numbered} named. */
export function listed(name: string, values: Readonly<Record<string, Value | undefined>>): readonly Value[] {
  const list: Value[] = [];
  for (let value = values[`${name}.0`]; value !== undefined; value = values[`${name}.${list.length}`]) list.push(value);
  return list;
}
