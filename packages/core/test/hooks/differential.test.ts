import { describe, expect, test } from '@jest/globals';
import { AsyncSeriesHook, SyncWaterfallHook } from 'tapable';
import { SeriesHook } from '../../src/hooks/engine/SeriesHook.js';
import type { TapOptions } from '../../src/hooks/engine/TapOptions.js';
import { WaterfallHook } from '../../src/hooks/engine/WaterfallHook.js';
import { createRandom } from './random.js';

/** What was tapped, in order of registration; what raw tapable is built from anew for every call. */
interface Model {
  readonly name: string;
  readonly stage: number;
  readonly before: string | undefined;
  readonly mode: 'sync' | 'async' | 'neutral';
  readonly tapped: Disposable;
}

const OPERATIONS = 600;

/** `before` is dropped where nobody bears the name: there, tapable's order is the bug we do not have. */
function optionsFor(
  { name, stage, before }: Model,
  taps: readonly Model[],
): { name: string; stage: number; before?: string } {
  const known = taps.some((other) => other.name === before);
  return known && before !== undefined ? { name, stage, before } : { name, stage };
}

function tapOf({ name, stage, before }: Omit<Model, 'tapped'>): TapOptions {
  return { name, stage, before: before ?? [] };
}

/** Adds, removes and calls at random; `check` compares at every call. */
async function play(
  seed: number,
  add: (model: Omit<Model, 'tapped'>) => Disposable,
  check: (taps: readonly Model[]) => Promise<void>,
): Promise<number> {
  const random = createRandom(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const taps: Model[] = [];
  let calls = 0;
  for (let i = 0; i < OPERATIONS; i++) {
    const choice = random();
    if (choice < 0.4 || taps.length === 0) {
      const free = taps.filter((tap) => tap.before === undefined);
      const model = {
        name: `t${i}`,
        stage: pick(5) - 2,
        // Never of one that has a wish itself: for such chains there are several right orders.
        before: random() < 0.3 ? free[pick(free.length)]?.name : undefined,
        mode: (['sync', 'async', 'neutral'] as const)[pick(3)] ?? 'sync',
      };
      taps.push({ ...model, tapped: add(model) });
    } else if (choice < 0.7) {
      const [removed] = taps.splice(pick(taps.length), 1);
      removed?.tapped[Symbol.dispose]();
      if (random() < 0.2) removed?.tapped[Symbol.dispose]();
    } else {
      await check(taps);
      calls++;
    }
  }
  return calls;
}

describe('against raw tapable', () => {
  test.each([1, 2, 3])('a series runs the same taps in the same order (seed %i)', async (seed) => {
    const hook = new SeriesHook<string[]>('h');
    const act = async (model: Omit<Model, 'tapped'>, log: string[]): Promise<void> => {
      log.push(model.name);
      if (model.mode !== 'async') return;
      await Promise.resolve();
      log.push(`${model.name} done`);
    };
    const add = (model: Omit<Model, 'tapped'>): Disposable => hook.tap(tapOf(model), (log) => act(model, log));
    const calls = await play(seed, add, async (taps) => {
      const raw = new AsyncSeriesHook<[string[]]>(['log']);
      for (const tap of taps) raw.tapPromise(optionsFor(tap, taps), (log) => act(tap, log));
      const expected: string[] = [];
      await raw.promise(expected);
      const got: string[] = [];
      await hook.call(got);
      expect(got).toEqual(expected);
      expect(hook.owners().map(({ name }) => name)).toEqual(expected.filter((line) => !line.endsWith('done')));
      expect(hook.isUsed()).toBe(taps.length > 0);
    });
    expect(calls).toBeGreaterThan(100);
  });

  test.each([4, 5, 6])('a waterfall hands on the same values (seed %i)', async (seed) => {
    const hook = new WaterfallHook<string, { n: number }>('h');
    const act = ({ name, mode }: Omit<Model, 'tapped'>, value: string, { n }: { n: number }): string | undefined =>
      mode === 'neutral' ? undefined : `${value}>${name}.${n}`;
    const add = (model: Omit<Model, 'tapped'>): Disposable =>
      hook.tap(tapOf(model), (value, context) => act(model, value, context));
    const calls = await play(seed, add, async (taps) => {
      const raw = new SyncWaterfallHook<[string, { n: number }], string | undefined>(['value', 'context']);
      for (const tap of taps) raw.tap(optionsFor(tap, taps), (value, context) => act(tap, value, context));
      const context = { n: taps.length };
      if (taps.length > 0) expect(hook.call('0', context)).toBe(raw.call('0', context));
      else expect(hook.call('0', context)).toBe('0');
    });
    expect(calls).toBeGreaterThan(100);
  });
});
