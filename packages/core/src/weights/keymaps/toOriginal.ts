import type { KeyMap } from './KeyMap.js';
import type { KeyRule } from './KeyRule.js';

/** What a tensor of the original layout is made of. */
export interface OriginalTensor {
  /** Diffusers' keys: one, or those that are fused, one after the other on the first axis. */
  readonly keys: readonly string[];
  /** It is a 1×1 convolution, diffusers' a matrix. */
  readonly unsqueezed: boolean;
  /** It lies transposed. */
  readonly transposed: boolean;
}

/**
 * A key map read backwards: what a model with these keys of diffusers' is made of in the original layout, by original keys without prefix.
 *
 * @throws RangeError for a key that the original layout does not have
 */
export function toOriginal(map: KeyMap, keys: readonly string[]): ReadonlyMap<string, OriginalTensor> {
  const blocks = map.originalBlocks?.(keys) ?? new Map<string, string>();
  const rules = map.rules.flatMap((rule) => [rule.to].flat().map((to, part) => compile(rule, to, part, keys)));
  const tensors = new Map<string, OriginalTensor>();
  const parts = new Map<string, number>();
  for (const key of keys) {
    const found = rules.find(({ pattern }) => pattern.test(key));
    if (found === undefined) throw new RangeError(`"${key}" has no name in the original layout`);
    const name = withBlock(nameBy(found, key), blocks);
    const { squeezed, transposed } = found.rule;
    const before = tensors.get(name)?.keys ?? [];
    parts.set(key, found.part);
    // Whatever order a model has its keys in, a fused tensor has that of its rule.
    const inOrder = [...before, key].toSorted((a, b) => (parts.get(a) as number) - (parts.get(b) as number));
    tensors.set(name, { keys: inOrder, unsqueezed: squeezed === true, transposed: transposed === true });
  }
  return tensors;
}

interface BackwardRule {
  readonly rule: KeyRule;
  readonly to: string;
  /** Its place among the keys of the rule. */
  readonly part: number;
  readonly pattern: RegExp;
  readonly largest: number;
}

function compile(rule: KeyRule, to: string, part: number, keys: readonly string[]): BackwardRule {
  const backwards = /\{-\w\}/.exec(to);
  const start = backwards === null ? undefined : new RegExp(`^${expression(to.slice(0, backwards.index))}(\\d+)\\.`);
  const found = start === undefined ? [] : keys.flatMap((key) => start.exec(key)?.at(-1) ?? []);
  return { rule, to, part, pattern: new RegExp(`^${expression(to)}$`), largest: Math.max(0, ...found.map(Number)) };
}

function expression(to: string): string {
  return to
    .replaceAll('.', String.raw`\.`)
    .replaceAll('*', '(?<rest>.*)')
    .replaceAll(/\{-?(\w)\}/g, String.raw`(?<$1>\d+)`);
}

function nameBy({ rule, to, pattern, largest }: BackwardRule, key: string): string {
  const groups = pattern.exec(key)?.groups ?? {};
  return rule.from
    .replace('*', groups['rest'] ?? '')
    .replaceAll(/\{(\w)\}/g, (_, letter: string) =>
      to.includes(`{-${letter}}`) ? String(largest - Number(groups[letter])) : (groups[letter] as string),
    );
}

function withBlock(name: string, blocks: ReadonlyMap<string, string>): string {
  const start = /^\w+\.(?:\d+\.)?\w+\.\d+\./.exec(name)?.[0];
  const block = start === undefined ? undefined : blocks.get(start);
  return block === undefined ? name : block + name.slice((start as string).length);
}
