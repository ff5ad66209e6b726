import { checkMembers } from '../../fields/checkMembers.js';
import { refuseOption } from '../../fields/refuseOption.js';
import type { KeySource } from '../layers/remapped.js';
import type { TensorView } from '../TensorView.js';
import type { KeyRule } from './KeyRule.js';
import { type FittingRule, RuleIndex } from './RuleIndex.js';

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
  const index = new RuleIndex(map.rules, named.values());
  const sources = new Map<string, KeySource>();
  for (const key of keys) {
    const found = index.find(named.get(key) as string);
    if (found === undefined) continue;
    const { shape } = tensors.get(prefix + key) as TensorView;
    for (const [target, source] of sourcesBy(found, prefix + key, shape[0] ?? 0)) sources.set(target, source);
  }
  return sources;
}

function sourcesBy(
  { rule, targets, isLast }: FittingRule,
  key: string,
  rows: number,
): readonly (readonly [string, KeySource])[] {
  const { squeezed, transposed, swapped, shares = targets.map(() => 1) } = rule;
  const how: KeySource = {
    key,
    ...(squeezed && { squeezed }),
    ...(transposed && { transposed }),
    ...((swapped === 'always' || (swapped === 'last' && isLast)) && { swapped: true as const }),
  };
  const share = rows / shares.reduce((sum, each) => sum + each, 0);
  if (targets.length === 1 || !Number.isInteger(share)) return targets.map((target) => [target, how]);
  let taken = 0;
  return targets.map((target, part) => {
    const start = taken;
    const count = share * (shares[part] as number);
    taken += count;
    return [target, { ...how, rows: [start, count] }];
  });
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
