import type { PluginKind } from './PluginKind.js';

/** Kinds of which a pipeline takes one. */
const RIVALS = [
  ['model offload', 'sequential offload'],
  ['fp8', 'int8'],
  ['flash attention', 'sliced attention'],
];

/** All pairs of kinds that a pipeline takes together. */
export function pairsOf(names: readonly string[]): readonly (readonly [string, string])[] {
  return names
    .flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const))
    .filter((pair) => !RIVALS.some((rivals) => pair.every((name) => rivals.includes(name))));
}

/** Sets of more than two. */
export function largeSets(names: readonly string[]): readonly (readonly [string, readonly string[]])[] {
  const without = (...left: string[]): string[] => names.filter((name) => !left.includes(name));
  return [
    ['sequential offload, fp8 and attention', ['sequential offload', 'fp8', 'flash attention']],
    ['all together', without('model offload', 'int8', 'sliced attention')],
    ['all others together', without('sequential offload', 'fp8', 'flash attention')],
  ];
}

/**
 * The picture that these kinds together have to give, and how far theirs may be from it.
 *
 * @param alone pictures of the kinds that change pictures by what they store or compute
 */
export function expectedOf(
  names: readonly string[],
  kinds: Readonly<Record<string, PluginKind>>,
  { plain, alone }: { readonly plain: Float32Array; readonly alone: ReadonlyMap<string, Float32Array> },
): { readonly reference: Float32Array; readonly tolerance: number } {
  const storage = names.find((name) => kinds[name]!.storage);
  const own = names.find((name) => kinds[name]!.own);
  // Where the rest changes nothing, neither does it together with that.
  const base = own !== undefined && names.every((name) => name === own || kinds[name]!.tolerance === 0) ? own : storage;
  const reference = (own === undefined || base === own ? alone.get(base ?? '') : undefined) ?? plain;
  const counted = names.filter((name) => reference === plain || name !== base);
  return { reference, tolerance: counted.reduce((sum, name) => sum + kinds[name]!.tolerance, 0) };
}
