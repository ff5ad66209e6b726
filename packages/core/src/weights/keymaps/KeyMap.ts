import { checkMembers } from '../../fields/checkMembers.js';
import { refuseOption } from '../../fields/refuseOption.js';
import type { KeySource } from '../layers/remapped.js';
import type { TensorView } from '../TensorView.js';

/**
 * A line of a key map. In `from` and `to`, `{b}` is a number, the same in both, `{-b}` one that counts backwards from the largest there is, and `*` whatever is left.
 * The first line that fits a key says what becomes of it.
 */
export interface KeyRule {
  /** The original key. */
  readonly from: string;
  /** Diffusers' key; several where the original is these one after the other, in equal parts of its rows, or in `shares` of them. */
  readonly to: string | readonly string[];
  /** How many equal parts of the rows each of `to` has. */
  readonly shares?: readonly number[];
  /** The original is a 1×1 convolution, diffusers' a matrix. */
  readonly squeezed?: true;
  /** The original lies transposed. */
  readonly transposed?: true;
  /** The halves of its rows lie the other way round in the original, as shift and scale; in all blocks, or in the last one alone: the one with the largest number. */
  readonly swapped?: 'always' | 'last';
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

/** Where each of diffusers' keys is found in a file of the original layout; `prefix` stands before all keys there. @throws ERR_ARGUMENT_INVALID for what is no key map, no map of tensors or no prefix */
export function sourcesOf(
  map: KeyMap,
  tensors: ReadonlyMap<string, TensorView>,
  prefix: string,
): ReadonlyMap<string, KeySource> {
  checkMembers('map', map, 'a key map', ['rules']);
  checkMembers('tensors', tensors, 'a map of tensors by their keys', ['keys', 'get']);
  if (typeof prefix !== 'string') refuseOption('prefix', prefix, 'a text');
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
  /** The largest number at each place, for those that are counted backwards, or where the last block is another. */
  readonly largest: Readonly<Record<string, number>>;
}

function compile(rule: KeyRule, keys: Iterable<string>): CompiledRule {
  const pattern = new RegExp(`^${expression(rule.from)}$`);
  const counted = rule.swapped === 'last' ? /\{(\w)\}/.exec(rule.from) : /\{-(\w)\}/.exec(String(rule.to));
  const letter = counted?.[1];
  if (letter === undefined) return { rule, pattern, largest: {} };
  // Of all keys that begin so, whether this rule is for them or another.
  const place = `{${letter}}`;
  const start = new RegExp(`^${expression(rule.from.slice(0, rule.from.indexOf(place) + place.length))}\\.`);
  const found = [...keys].flatMap((key) => start.exec(key)?.groups?.[letter] ?? []);
  return { rule, pattern, largest: { [letter]: Math.max(...found.map(Number)) } };
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
  const isLast = Object.entries(largest).every(([letter, most]) => Number(groups[letter]) === most);
  const isSwapped = rule.swapped === 'always' || (rule.swapped === 'last' && isLast);
  const how = {
    ...(squeezed && { squeezed }),
    ...(transposed && { transposed }),
    ...(isSwapped && { swapped: true as const }),
  };
  const { shares = targets.map(() => 1) } = rule;
  const share = (view.shape[0] ?? 0) / shares.reduce((sum, each) => sum + each, 0);
  let taken = 0;
  return targets.map((to, part) => {
    const target = to
      .replace('*', groups['rest'] ?? '')
      .replaceAll(/\{(\w)\}/g, (_, letter: string) => groups[letter] as string)
      .replaceAll(/\{-(\w)\}/g, (_, letter: string) => String((largest[letter] as number) - Number(groups[letter])));
    const rows = [taken, share * (shares[part] as number)] as const;
    taken += rows[1];
    return [target, { key, ...how, ...(targets.length > 1 && Number.isInteger(share) && { rows }) }];
  });
}
