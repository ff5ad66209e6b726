import { describe, expect, test } from '@jest/globals';
import { isThimbleError } from '../../src/errors.js';
import { type OrderedTap, orderTaps } from '../../src/hooks/engine/orderTaps.js';
import { createRandom } from './random.js';

function tap(
  name: string,
  stage = 0,
  wishes: { before?: string[]; after?: string[]; plugin?: string } = {},
): OrderedTap {
  return { name, plugin: wishes.plugin, stage, before: wishes.before ?? [], after: wishes.after ?? [] };
}

const order = (...taps: OrderedTap[]): string =>
  orderTaps('h', taps)
    .map(({ name }) => name)
    .join(' ');

function cycleOf(...taps: OrderedTap[]): readonly string[] {
  try {
    orderTaps('h', taps);
  } catch (error) {
    if (isThimbleError(error, 'ERR_HOOK_CYCLE')) return error.details.members;
    throw error;
  }
  throw new Error('there was no cycle');
}

describe('orderTaps', () => {
  test('orders by stage, then by registration', () => {
    expect(order(tap('a', 1), tap('b'), tap('c', -1), tap('d'))).toBe('c b d a');
  });

  test('pulls a tap to just before the first one it names, and moves nobody else', () => {
    expect(order(tap('x', -1000), tap('y', -500), tap('z'), tap('a', 0, { before: ['z', 'x'] }))).toBe('a x y z');
  });

  test('lets a tap wait until all that it names have run', () => {
    expect(order(tap('a', -1000, { after: ['x', 'y'] }), tap('x'), tap('b'), tap('y', 5), tap('c', 9))).toBe(
      'x b y a c',
    );
  });

  test('pulls chains, and those who wait with them', () => {
    expect(order(tap('x', -1), tap('a', 3, { before: ['x'] }), tap('b', 4, { before: ['a'] }))).toBe('b a x');
    expect(order(tap('x', -1), tap('a', 0, { before: ['x'], after: ['late'] }), tap('late', 7))).toBe('late a x');
  });

  test('ignores names without a tap, where tapable jumps to the front', () => {
    expect(order(tap('first', -1000), tap('a', 0, { before: ['nobody'], after: ['nobody'] }))).toBe('first a');
  });

  test("finds taps by their plugin's name too", () => {
    expect(
      order(tap('x', 0, { plugin: 'me:p' }), tap('y', 0, { plugin: 'me:p' }), tap('a', 0, { before: ['me:p'] })),
    ).toBe('a x y');
  });

  test('ignores a tap that names itself', () => {
    expect(order(tap('a', 0, { before: ['a'], after: ['a'] }))).toBe('a');
  });

  test('names the members of a cycle, and nobody who only waits for it', () => {
    const cycle = [tap('a', 0, { before: ['b'] }), tap('b', 0, { before: ['c'] }), tap('c', 0, { before: ['a'] })];
    expect([...cycleOf(tap('waits', -5, { after: ['a'] }), ...cycle)].sort()).toEqual(['a', 'b', 'c']);
    expect([...cycleOf(tap('a', 0, { before: ['b'] }), tap('b', 0, { before: ['a'] }))].sort()).toEqual(['a', 'b']);
    expect(cycleOf(tap('p', 0, { after: ['q'] }), tap('q', 0, { after: ['p'] }))).toHaveLength(2);
  });

  test('gives the members in running order', () => {
    const members = cycleOf(
      tap('a', 0, { before: ['b'] }),
      tap('b', 0, { before: ['c'] }),
      tap('c', 0, { before: ['a'] }),
    );
    const next = (name: string): string | undefined => members[(members.indexOf(name) + 1) % members.length];
    expect([next('a'), next('b'), next('c')]).toEqual(['b', 'c', 'a']);
  });

  test('grants every wish that others do not contradict, however they are chained', () => {
    const random = createRandom(11);
    for (let round = 0; round < 100; round++) {
      // Wishes follow the order of `ranks`, so they cannot contradict each other.
      const ranks = Array.from({ length: 12 }, (_, i) => `t${i}`);
      const pick = (from: readonly string[]): string[] => from.filter(() => random() < 0.15);
      const taps = ranks
        .map((name, i) =>
          tap(name, Math.floor(random() * 5), { before: pick(ranks.slice(i + 1)), after: pick(ranks.slice(0, i)) }),
        )
        .sort(() => random() - 0.5);
      const got = orderTaps('h', taps).map(({ name }) => name);
      expect([...got].sort()).toEqual([...ranks].sort());
      for (const { name, before, after } of taps) {
        for (const other of before) expect(got.indexOf(name)).toBeLessThan(got.indexOf(other));
        for (const other of after) expect(got.indexOf(name)).toBeGreaterThan(got.indexOf(other));
      }
    }
  });
});

describe('named stages', () => {
  const storage = { name: 'storage', before: ['attention', 'layout'] };
  const attention = { name: 'attention', after: 'storage', before: 'layout' };
  const layout = { name: 'layout', after: ['storage', 'attention'] };
  const staged = (name: string, stage: OrderedTap['stage'], wishes: Parameters<typeof tap>[2] = {}): OrderedTap => ({
    ...tap(name, 0, wishes),
    stage,
  });
  const permutations = <T>(items: readonly T[]): T[][] =>
    items.length === 0
      ? [[]]
      : items.flatMap((item, i) => permutations(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]));

  test('run as they say of each other, whatever the order of registration', () => {
    for (const taps of permutations([staged('l', layout), staged('a', attention), staged('s', storage)]))
      expect(order(...taps)).toBe('s a l');
  });

  test('lie between those who did not ask and those who are late', () => {
    expect(order(tap('late', 1000), staged('s', storage), tap('a'), tap('early', -1000))).toBe('early a s late');
  });

  test('take in a stage that nobody else knows of, between two others', () => {
    const mine = { name: 'me:prune', after: 'storage', before: 'attention' };
    for (const taps of permutations([
      staged('l', layout),
      staged('m', mine),
      staged('a', attention),
      staged('s', storage),
    ]))
      expect(order(...taps)).toBe('s m a l');
  });

  test('are found by name alone where another tap says where they lie', () => {
    expect(order(staged('watch', { name: 'layout' }), staged('a', attention), staged('s', storage))).toBe('s a watch');
  });

  test('add up what several taps say of one', () => {
    const first = staged('x', { name: 'x', after: 's' });
    const second = staged('y', { name: 'x', before: 'a' });
    expect(order(staged('a', { name: 'a' }), second, first, staged('s', { name: 's' }))).toBe('s y x a');
  });

  test('can be named by the before and after of a tap in no stage', () => {
    const taps = [staged('l', layout), staged('a', attention), staged('s', storage)];
    expect(order(...taps, tap('x', 0, { after: ['storage'], before: ['attention'] }))).toBe('s x a l');
    expect(order(...taps, tap('x', 0, { after: ['attention'] }))).toBe('s a x l');
    expect(order(...taps, tap('x', 1000, { before: ['layout'] }))).toBe('s a x l');
  });

  test('that contradict each other are named', () => {
    expect(cycleOf(staged('a', { name: 'm', after: 'n' }), staged('b', { name: 'n', after: 'm' }))).toEqual(
      expect.arrayContaining(['m', 'n']),
    );
  });
});
