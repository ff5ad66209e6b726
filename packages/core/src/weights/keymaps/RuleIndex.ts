import type { KeyRule } from './KeyRule.js';

/** A rule that fits a key, and what the key becomes by it. */
export interface FittingRule {
  readonly rule: KeyRule;
  readonly targets: readonly string[];
  /** Whether it is in the block with the largest number, for a rule that asks for it. */
  readonly isLast: boolean;
}

/** What stands in a key where a rule has a letter, or `*`. */
type Places = ReadonlyMap<string, string>;

interface CompiledRule {
  readonly rule: KeyRule;
  /** Parts between dots. */
  readonly from: readonly string[];
  readonly targets: readonly (readonly string[])[];
  /** What is counted backwards, or where the last block is another: its letter, and the largest number that there is. */
  readonly letter: string | undefined;
  readonly largest: number;
}

const NUMBER = /^\d+$/;

/** Finds the first rule that fits a key, by the parts between its dots: a file has thousands of keys, and regular expressions took most of the time of opening it. */
export class RuleIndex {
  readonly #rules: readonly CompiledRule[];
  /** By the first part of a key, the rules that may fit it. */
  readonly #byStart = new Map<string, readonly CompiledRule[]>();

  /** `keys`: all that there are, for the largest number of a block. */
  constructor(rules: readonly KeyRule[], keys: Iterable<string>) {
    const split = rules.some((rule) => letterOf(rule) !== undefined) ? Array.from(keys, (key) => key.split('.')) : [];
    this.#rules = rules.map((rule) => compile(rule, split));
  }

  find(key: string): FittingRule | undefined {
    const parts = key.split('.');
    for (const compiled of this.#candidates(parts[0] as string)) {
      const places = fit(compiled.from, parts);
      if (places === undefined) continue;
      const { rule, targets, letter, largest } = compiled;
      const isLast = letter !== undefined && Number(places.get(letter)) === largest;
      return { rule, targets: targets.map((to) => fill(to, places, largest)), isLast };
    }
    return undefined;
  }

  #candidates(start: string): readonly CompiledRule[] {
    const known = this.#byStart.get(start);
    if (known !== undefined) return known;
    const found = this.#rules.filter(({ from: [first] }) => first === start || isOpen(first as string));
    this.#byStart.set(start, found);
    return found;
  }
}

/** Of a number whose largest value counts. */
function letterOf({ from, to, swapped }: KeyRule): string | undefined {
  return (swapped === 'last' ? /\{(\w)\}/.exec(from) : /\{-(\w)\}/.exec(String(to)))?.[1];
}

function isOpen(part: string): boolean {
  return part === '*' || part.startsWith('{');
}

function compile(rule: KeyRule, keys: readonly (readonly string[])[]): CompiledRule {
  const from = rule.from.split('.');
  const targets = [rule.to].flat().map((to) => to.split('.'));
  const letter = letterOf(rule);
  if (letter === undefined) return { rule, from, targets, letter, largest: 0 };
  // Of all keys that begin so, whether this rule is for them or another.
  const start = [...from.slice(0, from.indexOf(`{${letter}}`) + 1), '*'];
  let largest = 0;
  for (const key of keys) largest = Math.max(largest, Number(fit(start, key)?.get(letter) ?? 0));
  return { rule, from, targets, letter, largest };
}

function fit(from: readonly string[], parts: readonly string[]): Places | undefined {
  if (parts.length < from.length || (parts.length > from.length && from.at(-1) !== '*')) return undefined;
  const places = new Map<string, string>();
  for (const [i, wanted] of from.entries()) {
    const part = parts[i] as string;
    if (wanted === '*') places.set('*', parts.slice(i).join('.'));
    else if (!isOpen(wanted)) {
      if (wanted !== part) return undefined;
    } else if (NUMBER.test(part)) places.set(wanted[1] as string, part);
    else return undefined;
  }
  return places;
}

function fill(to: readonly string[], places: Places, largest: number): string {
  return to
    .map((part) => {
      if (part === '*') return places.get('*');
      if (part.startsWith('{-')) return String(largest - Number(places.get(part[2] as string)));
      return part.startsWith('{') ? places.get(part[1] as string) : part;
    })
    .join('.');
}
