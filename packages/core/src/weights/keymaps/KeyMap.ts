import type { KeySource } from '../layers/remapped.js';
import type { TensorView } from '../TensorView.js';

/**
 * A line of a key map. In `from` and `to`, `{b}` is a number, the same in both, `{-b}` one that counts backwards from the largest there is, and `*` whatever is left.
 * The first line that fits a key says what becomes of it.
 */
export interface KeyRule {
  /** The original key. */
  readonly from: string;
  /** Diffusers' key; several where the original is these one after the other, in equal parts of its rows. */
  readonly to: string | readonly string[];
  /** The original is a 1×1 convolution, diffusers' a matrix. */
  readonly squeezed?: true;
  /** The original lies transposed. */
  readonly transposed?: true;
}

/** How the keys of an original layout are called in diffusers'. */
export interface KeyMap {
  /** Data; a key that no rule fits belongs to nothing. */
  readonly rules: readonly KeyRule[];
  /** Where blocks are counted otherwise: new beginnings of keys by the old ones, as `input_blocks.4.1.` → `down_blocks.1.attentions.0.`. Rules see the new ones. */
  readonly blocks?: (keys: Iterable<string>) => ReadonlyMap<string, string>;
  /** The same the other way round. */
  readonly originalBlocks?: (keys: Iterable<string>) => ReadonlyMap<string, string>;
}

/** The map of files that have diffusers' keys already. */
export const unchanged: KeyMap = { rules: [{ from: '*', to: '*' }] };

/** Where each of diffusers' keys is found in a file of the original layout; `prefix` stands before all keys there. */
export function sourcesOf(
  map: KeyMap,
  tensors: ReadonlyMap<string, TensorView>,
  prefix: string,
): ReadonlyMap<string, KeySource> {
  const keys = [...tensors.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  const named = renameBlocks(keys, map.blocks?.(keys));
  const rules = map.rules.map((rule) => compile(rule, named.values()));
  return new Map(
    keys.flatMap((key) => {
      const name = named.get(key) as string;
      const rule = rules.find(({ pattern }) => pattern.test(name));
      return rule === undefined ? [] : take(rule, name, prefix + key, tensors.get(prefix + key) as TensorView);
    }),
  );
}

function renameBlocks(keys: readonly string[], blocks: ReadonlyMap<string, string> | undefined): Map<string, string> {
  return new Map(
    keys.map((key) => {
      const start = blocks === undefined ? '' : (/^\D+\d+\.(?:\d+\.)?/.exec(key)?.[0] ?? '');
      const renamed = blocks?.get(start);
      return [key, renamed === undefined ? key : renamed + key.slice(start.length)];
    }),
  );
}

interface CompiledRule {
  readonly rule: KeyRule;
  readonly pattern: RegExp;
  /** The largest number at each place, for those that are counted backwards. */
  readonly largest: Readonly<Record<string, number>>;
}

function compile(rule: KeyRule, keys: Iterable<string>): CompiledRule {
  const pattern = new RegExp(`^${expression(rule.from)}$`);
  const backwards = /\{-(\w)\}/.exec(String(rule.to))?.[1];
  if (backwards === undefined) return { rule, pattern, largest: {} };
  // Of all keys that begin so, whether this rule is for them or another.
  const place = `{${backwards}}`;
  const start = new RegExp(`^${expression(rule.from.slice(0, rule.from.indexOf(place) + place.length))}\\.`);
  const found = [...keys].flatMap((key) => start.exec(key)?.groups?.[backwards] ?? []);
  return { rule, pattern, largest: { [backwards]: Math.max(...found.map(Number)) } };
}

function expression(from: string): string {
  return from
    .replaceAll('.', String.raw`\.`)
    .replaceAll('*', '(?<rest>.*)')
    .replaceAll(/\{(\w)\}/g, String.raw`(?<$1>\d+)`);
}

function take(
  { rule, pattern, largest }: CompiledRule,
  name: string,
  key: string,
  view: TensorView,
): readonly (readonly [string, KeySource])[] {
  const groups = pattern.exec(name)?.groups ?? {};
  const targets = [rule.to].flat();
  const { squeezed, transposed } = rule;
  const how = { ...(squeezed && { squeezed }), ...(transposed && { transposed }) };
  const count = (view.shape[0] ?? 0) / targets.length;
  return targets.map((to, part) => {
    const target = to
      .replace('*', groups['rest'] ?? '')
      .replaceAll(/\{(\w)\}/g, (_, letter: string) => groups[letter] as string)
      .replaceAll(/\{-(\w)\}/g, (_, letter: string) => String((largest[letter] as number) - Number(groups[letter])));
    const rows = [part * count, count] as const;
    return [target, { key, ...how, ...(targets.length > 1 && Number.isInteger(count) && { rows }) }];
  });
}
