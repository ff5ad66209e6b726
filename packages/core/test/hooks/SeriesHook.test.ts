import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { isThimbleError, ThimbleError } from '../../src/errors.js';
import type { TapCall } from '../../src/hooks/engine/HookObserver.js';
import { SeriesHook } from '../../src/hooks/engine/SeriesHook.js';
import { Stage } from '../../src/hooks/engine/Stage.js';
import { isCollected } from './collect.js';

interface Context {
  readonly log: string[];
  readonly signal?: AbortSignal;
  readonly run?: { readonly signal?: AbortSignal };
}

const thrownBy = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => fail('nothing was thrown'),
    (error: unknown) => error,
  );

function fail(message: string): never {
  throw new Error(message);
}

describe('SeriesHook', () => {
  test('awaits each tap before the next, and tells who is there', async () => {
    const hook = new SeriesHook<Context>('beforeStep');
    hook.tap({ name: 'late', stage: Stage.Late }, ({ log }) => void log.push('late'));
    hook.tap('slow', async ({ log }) => {
      await sleep(2);
      log.push('slow');
    });
    hook.tap({ name: 'early', stage: Stage.Early, plugin: 'me:p' }, ({ log }) => void log.push('early'));
    const context: Context = { log: [] };
    await hook.call(context);
    expect(context.log).toEqual(['early', 'slow', 'late']);
    expect(hook.owners()).toEqual([
      { name: 'early', plugin: 'me:p', stage: -1000 },
      { name: 'slow', stage: 0 },
      { name: 'late', stage: 1000 },
    ]);
  });

  test('resolves without taps', async () => {
    const hook = new SeriesHook<Context>('h');
    expect(hook.isUsed()).toBe(false);
    await expect(hook.call({ log: [] })).resolves.toBeUndefined();
  });

  test('refuses a tap that cannot work', () => {
    const hook = new SeriesHook<Context>('h');
    expect(() => hook.tap('', () => undefined)).toThrow('"tap options.name" is ""');
    expect(() => hook.tap({ name: 'a', stage: Number.NaN }, () => undefined)).toThrow('"tap options.stage"');
    expect(() => hook.tap({ name: 'a', stage: '' }, () => undefined)).toThrow('"tap options.stage"');
    expect(() => hook.tap({ name: 'a', stage: { name: '' } }, () => undefined)).toThrow('"tap options.stage"');
    expect(() => hook.tap('a', undefined as unknown as () => void)).toThrow('"tap function"');
    expect(() => hook.tap({ name: 'a', stag: 1 } as { name: string }, () => undefined)).toThrow(
      'unknown option "stag" of h.tap; did you mean "stage"?',
    );
    expect(() =>
      hook.tap({ name: 'a', stage: { name: 'b', befor: 'c' } } as { name: string }, () => undefined),
    ).toThrow('unknown option "befor" of a stage of h.tap; did you mean "before"?');
    expect(hook.isUsed()).toBe(false);
  });

  test('refuses a tap that closes a cycle, and stays as it was', async () => {
    const hook = new SeriesHook<Context>('h');
    hook.tap({ name: 'a', before: 'b' }, ({ log }) => void log.push('a'));
    const { revision } = hook;
    expect(() => hook.tap({ name: 'b', before: 'a' }, () => undefined)).toThrow(/hook "h": (a → b → a|b → a → b)/);
    const context: Context = { log: [] };
    await hook.call(context);
    expect(context.log).toEqual(['a']);
    expect(hook.revision).toBe(revision);
    expect(() => hook.tap('c', () => undefined)).not.toThrow();
  });

  test('counts a revision for every change, and only for one', () => {
    const hook = new SeriesHook<Context>('h');
    const tap = hook.tap('a', () => undefined);
    expect(hook.revision).toBe(1);
    tap[Symbol.dispose]();
    tap[Symbol.dispose]();
    expect(hook.revision).toBe(2);
  });

  describe('while a call is in flight', () => {
    test('a tap that is removed does not run any more', async () => {
      const hook = new SeriesHook<Context>('h');
      hook.tap('remover', () => victim[Symbol.dispose]());
      const victim = hook.tap('victim', ({ log }) => void log.push('victim'));
      hook.tap('last', ({ log }) => void log.push('last'));
      const context: Context = { log: [] };
      await hook.call(context);
      await hook.call(context);
      expect(context.log).toEqual(['last', 'last']);
    });

    test('a tap that is added runs from the next call on', async () => {
      const hook = new SeriesHook<Context>('h');
      const adder = hook.tap('adder', () => {
        adder[Symbol.dispose]();
        hook.tap('new', ({ log }) => void log.push('new'));
      });
      const context: Context = { log: [] };
      await hook.call(context);
      expect(context.log).toEqual([]);
      await hook.call(context);
      expect(context.log).toEqual(['new']);
    });

    test('a tap that removes itself is not run by a second call that began earlier', async () => {
      const hook = new SeriesHook<Context>('h');
      const once = hook.tap('once', async ({ log }) => {
        once[Symbol.dispose]();
        log.push('once');
        await sleep(1);
      });
      const context: Context = { log: [] };
      await Promise.all([hook.call(context), hook.call(context)]);
      expect(context.log).toEqual(['once']);
    });
  });

  describe('a tap that fails', () => {
    test.each(['first', 'second', 'third'])(
      '%s in the row, by a synchronous throw, rejects and does not hang',
      async (position) => {
        const hook = new SeriesHook<Context>('beforeStep');
        for (const name of ['first', 'second', 'third']) {
          hook.tap(name, name === position ? () => fail('boom') : async () => sleep(1));
        }
        const error = await thrownBy(hook.call({ log: [] }));
        expect(isThimbleError(error, 'ERR_PLUGIN_HOOK') && error.details).toEqual({
          plugin: position,
          hook: 'beforeStep',
          cause: 'boom',
        });
      },
    );

    test('keeps its own error as the cause, and stops those after it', async () => {
      const hook = new SeriesHook<Context>('h');
      const cause = new TypeError('no such tensor');
      hook.tap({ name: 'tap', plugin: 'me:p' }, () => Promise.reject(cause));
      hook.tap('next', ({ log }) => void log.push('next'));
      const context: Context = { log: [] };
      const error = await thrownBy(hook.call(context));
      expect(error).toMatchObject({
        code: 'ERR_PLUGIN_HOOK',
        cause,
        details: { plugin: 'me:p', cause: 'no such tensor' },
      });
      expect(context.log).toEqual([]);
    });

    test.each([
      new ThimbleError('ERR_DISK_FULL', { path: '/' }),
      new ThimbleError('ERR_DEVICE_CRASHED', { reason: 'signal SIGKILL' }),
      new ThimbleError('ERR_DISPOSED', { object: 'the pipeline' }),
    ])('is not blamed for $code', async (error) => {
      const hook = new SeriesHook<Context>('h');
      hook.tap({ name: 'tap', plugin: 'me:p' }, () => Promise.reject(error));
      expect(await thrownBy(hook.call({ log: [] }))).toBe(error);
    });

    test('may throw anything', async () => {
      const hook = new SeriesHook<Context>('h');
      const tap = hook.tap('a', () => Promise.reject(undefined));
      expect(await thrownBy(hook.call({ log: [] }))).toMatchObject({ code: 'ERR_PLUGIN_HOOK', cause: undefined });
      tap[Symbol.dispose]();
      hook.tap('a', () => Promise.reject('text'));
      expect(await thrownBy(hook.call({ log: [] }))).toMatchObject({ cause: 'text', details: { cause: 'text' } });
    });

    test('is blamed once: the innermost owner stays the guilty one', async () => {
      const inner = new SeriesHook<Context>('inner');
      inner.tap('guilty', () => fail('boom'));
      const outer = new SeriesHook<Context>('outer');
      outer.tap('innocent', (context) => inner.call(context));
      expect(await thrownBy(outer.call({ log: [] }))).toMatchObject({ details: { plugin: 'guilty', hook: 'inner' } });
    });

    test('leaves the hook usable', async () => {
      const hook = new SeriesHook<Context>('h');
      const tap = hook.tap('bad', () => fail('boom'));
      await thrownBy(hook.call({ log: [] }));
      tap[Symbol.dispose]();
      await expect(hook.call({ log: [] })).resolves.toBeUndefined();
    });
  });

  describe('an abort', () => {
    test('keeps its identity, by the signal of the payload or of its run', async () => {
      const hook = new SeriesHook<Context>('h');
      hook.tap('a', ({ signal, run }) => (signal ?? run?.signal)?.throwIfAborted());
      const reason = { any: 'value' };
      const signal = AbortSignal.abort(reason);
      expect(await thrownBy(hook.call({ log: [], signal }))).toBe(reason);
      expect(await thrownBy(hook.call({ log: [], run: { signal } }))).toBe(reason);
    });

    test("becomes the signal's reason if the tap saw it as an AbortError", async () => {
      const hook = new SeriesHook<Context>('h');
      hook.tap('a', async ({ signal }) => sleep(1000, undefined, signal && { signal }));
      const controller = new AbortController();
      const call = thrownBy(hook.call({ log: [], signal: controller.signal }));
      const reason = new Error('enough');
      controller.abort(reason);
      expect(await call).toBe(reason);
    });

    test('of something else than the run is an error like any other', async () => {
      const hook = new SeriesHook<Context>('h');
      hook.tap('a', () => AbortSignal.abort().throwIfAborted());
      const { signal } = new AbortController();
      expect(await thrownBy(hook.call({ log: [], signal }))).toMatchObject({
        code: 'ERR_PLUGIN_HOOK',
        details: { plugin: 'a' },
      });
    });

    test('does not hide a bug', async () => {
      const hook = new SeriesHook<Context>('h');
      hook.tap('a', () => fail('boom'));
      expect(await thrownBy(hook.call({ log: [], signal: AbortSignal.abort() }))).toMatchObject({
        code: 'ERR_PLUGIN_HOOK',
      });
    });
  });

  describe('that settles', () => {
    test('runs every tap, and throws one error as it is', async () => {
      const hook = new SeriesHook<Context>('failed', { settle: true });
      hook.tap('bad', () => fail('boom'));
      hook.tap('good', ({ log }) => void log.push('good'));
      const context: Context = { log: [] };
      expect(await thrownBy(hook.call(context))).toMatchObject({ code: 'ERR_PLUGIN_HOOK', details: { plugin: 'bad' } });
      expect(context.log).toEqual(['good']);
    });

    test('throws several as an AggregateError, per call', async () => {
      const hook = new SeriesHook<Context>('failed', { settle: true });
      hook.tap('a', () => fail('1'));
      hook.tap('b', async () => sleep(1).then(() => fail('2')));
      const errors = await Promise.all([thrownBy(hook.call({ log: [] })), thrownBy(hook.call({ log: [] }))]);
      for (const error of errors) {
        expect(error).toMatchObject({
          name: 'AggregateError',
          errors: [{ details: { plugin: 'a' } }, { details: { plugin: 'b' } }],
        });
      }
    });
  });

  test('tells its observer who ran, for how long and how it ended; a broken observer changes nothing', async () => {
    const hook = new SeriesHook<Context>('h');
    const calls: TapCall[] = [];
    hook.onCall = (call) => {
      calls.push(call);
      fail('observer');
    };
    hook.tap({ name: 'a', plugin: 'me:p' }, async () => sleep(3));
    hook.tap('b', () => fail('boom'));
    expect(await thrownBy(hook.call({ log: [] }))).toMatchObject({ details: { plugin: 'b' } });
    expect(calls).toMatchObject([
      { hook: 'h', tap: { name: 'a', plugin: 'me:p', stage: 0 } },
      { hook: 'h', tap: { name: 'b' }, error: { message: 'boom' } },
    ]);
    expect(calls[0]?.milliseconds).toBeGreaterThan(1);
  });

  test('keeps nothing of a tap that is removed', async () => {
    const hook = new SeriesHook<Context>('h');
    hook.tap('stays', () => undefined);
    const tapLarge = (): { tap: Disposable; ref: WeakRef<object> } => {
      const large = new Uint8Array(1024);
      return { tap: hook.tap('large', ({ log }) => void log.push(String(large.length))), ref: new WeakRef(large) };
    };
    const { tap, ref } = tapLarge();
    await hook.call({ log: [] });
    expect(await isCollected(ref)).toBe(false);
    tap[Symbol.dispose]();
    expect(await isCollected(ref)).toBe(true);
    expect(hook.isUsed()).toBe(true);
  });
});
