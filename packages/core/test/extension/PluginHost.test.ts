import { describe, expect, test } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Plugin } from '../../src/extension/Plugin.js';
import type { PluginContext } from '../../src/extension/PluginContext.js';
import { createToken } from '../../src/extension/Token.js';
import { isCollected } from '../hooks/collect.js';
import { createHost, owners, plugin } from './createHost.js';

const COLOUR = createToken<string>('test:colour');

function fail(message: string): never {
  throw new Error(message);
}

describe('use', () => {
  test('installs a plugin under its name, in order', async () => {
    const { host, hooks } = createHost();
    const tapStep = (ctx: PluginContext): void => void ctx.hooks.beforeStep.tap('step', () => undefined);
    const a = plugin('me:a', tapStep);
    const handle = await host.use(a);
    await host.use(plugin('me:b', tapStep));
    expect(handle).toMatchObject({ plugin: a, name: 'me:a' });
    expect(host.list().map(({ name }) => name)).toEqual(['me:a', 'me:b']);
    expect(owners(hooks)).toEqual(['beforeStep:me:a/step', 'beforeStep:me:b/step']);
  });

  test('gives the context the pipeline, and functions that can be taken apart', async () => {
    const { host, hooks, services, warnings } = createHost();
    await host.use(
      plugin('me:a', async ({ hooks: scoped, pipeline, provide, get, getAll, onRemove, addDisposable }) => {
        scoped.failed.tap('f', () => undefined);
        expect((await pipeline.memory()).main.residentBytes).toBe(3);
        pipeline.warn('WARN_X', 'x');
        provide(COLOUR, 'red');
        expect([get(COLOUR), getAll(COLOUR)]).toEqual(['red', ['red']]);
        onRemove(() => undefined);
        addDisposable({ [Symbol.dispose]: () => undefined });
      }),
    );
    expect(warnings).toEqual(['WARN_X']);
    expect(services.getAll(COLOUR)).toEqual(['red']);
    expect(owners(hooks)).toEqual(['failed:me:a/f']);
  });

  test('does not let a tap claim to be of another plugin', async () => {
    const { host, hooks } = createHost();
    await host.use(plugin('me:a', (ctx) => void ctx.hooks.failed.tap({ name: 'f', plugin: 'me:b' }, () => undefined)));
    expect(owners(hooks)).toEqual(['failed:me:a/f']);
  });

  test("attributes a tap's failure to the plugin", async () => {
    const { host, hooks } = createHost();
    await host.use(plugin('me:a', (ctx) => void ctx.hooks.beforeRun.tap('check', () => fail('boom'))));
    const run = { id: 1, prompt: '', options: {}, state: new Map<unknown, unknown>(), steps: 1 };
    await expect(hooks.beforeRun.call(run)).rejects.toMatchObject({
      details: { plugin: 'me:a', hook: 'beforeRun', cause: 'boom' },
    });
  });

  test.each<[string, unknown, string]>([
    ['a class', class XPlugin {}, 'ERR_PLUGIN_CLASS'],
    ['a string', 'me:a', 'ERR_PLUGIN_STRING'],
    ['nothing', undefined, 'ERR_PLUGIN_FALSY'],
    ['an object without apply', { name: 'me:a' }, 'ERR_PLUGIN_INVALID'],
  ])('refuses %s', async (_title, value, code) => {
    const { host } = createHost();
    await expect(host.use(value as Plugin)).rejects.toMatchObject({ code });
    expect(host.list()).toEqual([]);
  });

  test('refuses a second plugin of one name, and one instance twice', async () => {
    const { host } = createHost();
    const a = plugin('me:a');
    await host.use(a);
    await expect(host.use(plugin('me:a'))).rejects.toMatchObject({
      code: 'ERR_PLUGIN_DUPLICATE',
      details: { plugin: 'me:a' },
    });
    await expect(host.use(a)).rejects.toMatchObject({ code: 'ERR_PLUGIN_DUPLICATE' });
    await expect(Promise.allSettled([host.use(plugin('me:b')), host.use(plugin('me:b'))])).resolves.toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'ERR_PLUGIN_DUPLICATE' } },
    ]);
  });

  test('refuses a second owner, names both, and accepts it once the first is out', async () => {
    const { host } = createHost();
    await host.use(plugin('me:a', undefined, { claims: ['residency', 'x'] }));
    const b = plugin('me:b', undefined, { claims: ['residency'] });
    await expect(host.use(b)).rejects.toMatchObject({
      code: 'ERR_PLUGIN_CONFLICT',
      details: { plugin: 'me:b', claim: 'residency', holder: 'me:a' },
    });
    await host.remove('me:a');
    await expect(host.use(b)).resolves.toMatchObject({ name: 'me:b' });
  });

  test('refuses a plugin without those it requires', async () => {
    const { host } = createHost();
    const b = plugin('me:b', undefined, { requires: ['me:a', 'me:c'] });
    await host.use(plugin('me:c'));
    await expect(host.use(b)).rejects.toMatchObject({
      code: 'ERR_PLUGIN_REQUIRES',
      details: { plugin: 'me:b', missing: ['me:a'] },
    });
    await host.use(plugin('me:a'));
    await expect(host.use(b)).resolves.toMatchObject({ name: 'me:b' });
  });

  test.each([
    ['1.2.3', '^1.0.0', true],
    ['1.2.3', '^2.0.0', false],
    ['1.2.3', '>=1 <1.2', false],
    ['2.0.0-rc.1', '>=1.5', true],
    ['1.2.3', 'not a range', false],
  ])('in core %s, checks engines %s', async (version, thimble, accepted) => {
    const { host } = createHost(version);
    const use = host.use(plugin('me:a', undefined, { engines: { thimble } }));
    if (accepted) await expect(use).resolves.toMatchObject({ name: 'me:a' });
    else
      await expect(use).rejects.toMatchObject({
        code: 'ERR_PLUGIN_ENGINE',
        details: { plugin: 'me:a', range: thimble, version },
      });
  });
});

describe('an apply that fails', () => {
  test.each(['at once', 'later'])('%s is rolled back, last first, and stays the cause', async (when) => {
    const { host, hooks, services } = createHost();
    const undone: string[] = [];
    const cause = new Error('no room');
    const bad = plugin('me:bad', async (ctx) => {
      ctx.onRemove(() => void undone.push('first'));
      ctx.hooks.beforeStep.tap('step', () => undefined);
      ctx.provide(COLOUR, 'red');
      ctx.onRemove(async () => {
        await sleep(1);
        undone.push('second');
      });
      if (when === 'later') await sleep(1);
      throw cause;
    });
    await expect(host.use(bad)).rejects.toMatchObject({
      code: 'ERR_PLUGIN_APPLY',
      cause,
      details: { plugin: 'me:bad', cause: 'no room', rollback: [] },
    });
    expect(undone).toEqual(['second', 'first']);
    expect(owners(hooks)).toEqual([]);
    expect(services.getAll(COLOUR)).toEqual([]);
    expect(host.list()).toEqual([]);
  });

  test('tells if undoing failed too, and undoes the rest', async () => {
    const { host, hooks } = createHost();
    const bad = plugin('me:bad', (ctx) => {
      ctx.hooks.beforeStep.tap('step', () => undefined);
      ctx.onRemove(() => fail('stuck'));
      fail('no room');
    });
    await expect(host.use(bad)).rejects.toMatchObject({
      code: 'ERR_PLUGIN_APPLY',
      details: { cause: 'no room', rollback: ['stuck'] },
    });
    expect(owners(hooks)).toEqual([]);
  });

  test('can be tried again, here and elsewhere', async () => {
    const { host } = createHost();
    let attempts = 0;
    const shaky = plugin('me:shaky', () => {
      if (++attempts < 3) fail('not yet');
    });
    await expect(host.use(shaky)).rejects.toMatchObject({ code: 'ERR_PLUGIN_APPLY' });
    await expect(createHost().host.use(shaky)).rejects.toMatchObject({ code: 'ERR_PLUGIN_APPLY' });
    await expect(host.use(shaky)).resolves.toMatchObject({ name: 'me:shaky' });
  });
});

describe('remove', () => {
  const tapping = (name: string): Plugin =>
    plugin(name, (ctx) => void ctx.hooks.beforeStep.tap('step', () => undefined));

  test('takes a plugin, its handle or its name', async () => {
    const { host, hooks } = createHost();
    const [a, b, c, d] = [tapping('me:a'), tapping('me:b'), tapping('me:c'), tapping('me:d')];
    await host.use(a);
    const handles = [await host.use(b), await host.use(d)];
    await host.use(c);
    await host.remove(a);
    await host.remove(handles[0]!);
    await host.remove('me:c');
    await handles[1]!.remove();
    expect(host.list()).toEqual([]);
    expect(owners(hooks)).toEqual([]);
  });

  test('undoes everything, last first, each awaited', async () => {
    const { host, hooks, services } = createHost();
    const undone: string[] = [];
    await host.use(
      plugin('me:a', (ctx) => {
        ctx.onRemove(() => void undone.push(`1, taps: ${owners(hooks).length}`));
        ctx.addDisposable({ [Symbol.dispose]: () => void undone.push('2') });
        ctx.hooks.beforeStep.tap('step', () => undefined);
        ctx.provide(COLOUR, 'red');
        ctx.addDisposable({
          [Symbol.asyncDispose]: async () => {
            await sleep(2);
            undone.push('3');
          },
        });
        ctx.onRemove(() => void undone.push(`4, taps: ${owners(hooks).length}`));
      }),
    );
    await host.remove('me:a');
    expect(undone).toEqual(['4, taps: 1', '3', '2', '1, taps: 0']);
    expect(services.getAll(COLOUR)).toEqual([]);
  });

  test('collects what clean-up throws into one AggregateError, and removes the plugin all the same', async () => {
    const { host, hooks } = createHost();
    await host.use(
      plugin('me:a', (ctx) => {
        ctx.hooks.beforeStep.tap('step', () => undefined);
        ctx.onRemove(() => fail('one'));
        ctx.onRemove(() => Promise.reject(new Error('two')));
      }),
    );
    await expect(host.remove('me:a')).rejects.toMatchObject({
      code: 'ERR_PLUGIN_REMOVE',
      details: { plugin: 'me:a', failures: ['two', 'one'] },
      cause: { name: 'AggregateError', errors: [{ message: 'two' }, { message: 'one' }] },
    });
    expect(host.list()).toEqual([]);
    expect(owners(hooks)).toEqual([]);
  });

  test('refuses what is not installed, and lists what is', async () => {
    const { host } = createHost();
    await host.use(plugin('me:a'));
    const stranger = await createHost().host.use(plugin('me:a'));
    for (const target of ['me:b', plugin('me:a'), stranger]) {
      await expect(host.remove(target)).rejects.toMatchObject({
        code: 'ERR_PLUGIN_UNKNOWN',
        details: { installed: ['me:a'] },
      });
    }
    await expect(host.remove(undefined as unknown as string)).rejects.toMatchObject({ code: 'ERR_PLUGIN_UNKNOWN' });
  });

  test('is idempotent for a handle, which does not remove a later plugin of the same name', async () => {
    const { host } = createHost();
    const old = await host.use(plugin('me:a'));
    await Promise.all([old.remove(), old.remove(), host.remove(old)]);
    await host.use(plugin('me:a'));
    await old.remove();
    await host.remove(old);
    expect(host.list()).toHaveLength(1);
  });

  test('works with await using', async () => {
    const { host, hooks } = createHost();
    {
      await using handle = await host.use(tapping('me:a'));
      expect(owners(hooks)).toHaveLength(1);
      expect(handle.name).toBe('me:a');
    }
    expect(owners(hooks)).toEqual([]);
  });

  test('refuses to remove what another plugin requires, and names it', async () => {
    const { host } = createHost();
    await host.use(plugin('me:a'));
    await host.use(plugin('me:b', undefined, { requires: ['me:a'] }));
    await expect(host.remove('me:a')).rejects.toMatchObject({
      code: 'ERR_PLUGIN_REQUIRED',
      details: { plugin: 'me:a', by: ['me:b'] },
    });
    await host.remove('me:b');
    await host.remove('me:a');
    expect(host.list()).toEqual([]);
  });

  test('lets the same instance be used again', async () => {
    const { host, hooks } = createHost();
    const a = tapping('me:a');
    for (let i = 0; i < 3; i++) {
      await host.use(a);
      expect(owners(hooks)).toHaveLength(1);
      await host.remove(a);
    }
    expect(owners(hooks)).toEqual([]);
  });

  test('closes the context: a plugin that goes on is told', async () => {
    const { host } = createHost();
    let ctx: PluginContext | undefined;
    await host.use(
      plugin('me:a', (given) => {
        ctx = given;
      }),
    );
    ctx?.hooks.beforeStep.tap('late but installed', () => undefined);
    await host.remove('me:a');
    const closed = expect.objectContaining({ code: 'ERR_PLUGIN_REMOVED' });
    expect(() => ctx?.hooks.beforeStep.tap('x', () => undefined)).toThrow(closed);
    expect(() => ctx?.provide(COLOUR, 'red')).toThrow(closed);
    expect(() => ctx?.onRemove(() => undefined)).toThrow(closed);
    expect(() => ctx?.addDisposable({ [Symbol.dispose]: () => undefined })).toThrow(closed);
  });

  test('leaves nothing of the plugin in memory', async () => {
    const { host, hooks } = createHost();
    const install = async (): Promise<WeakRef<object>> => {
      const large = new Uint8Array(1024);
      const a = plugin('me:a', (ctx) => {
        ctx.hooks.beforeStep.tap('step', () => void large.fill(1));
        ctx.hooks.transformGraph.tap('pass', () => void large.fill(2));
        ctx.onRemove(() => void large.fill(3));
      });
      await host.use(a);
      return new WeakRef(a);
    };
    const ref = await install();
    expect(await isCollected(ref)).toBe(false);
    await host.remove('me:a');
    expect(await isCollected(ref)).toBe(true);
    expect(hooks.beforeStep.isUsed()).toBe(false);
  });

  test('leaves nothing of what a plugin itself took back', async () => {
    const { host } = createHost();
    const LARGE = createToken<object>('test:large');
    let provideLarge: (() => WeakRef<object>) | undefined;
    await host.use(
      plugin('me:a', ({ provide }) => {
        provideLarge = () => {
          const large = new Uint8Array(1024);
          provide(LARGE, large)[Symbol.dispose]();
          return new WeakRef(large);
        };
      }),
    );
    const ref = provideLarge?.() ?? fail('not installed');
    expect(await isCollected(ref)).toBe(true);
  });
});

describe('a busy pipeline', () => {
  test('refuses use and remove during a run, and changes nothing', async () => {
    const test = createHost();
    const handle = await test.host.use(plugin('me:a'));
    test.busy = true;
    await expect(test.host.use(plugin('me:b'))).rejects.toMatchObject({
      code: 'ERR_PIPELINE_BUSY',
      details: { during: 'a run' },
    });
    await expect(test.host.remove('me:a')).rejects.toMatchObject({ code: 'ERR_PIPELINE_BUSY' });
    await expect(handle.remove()).rejects.toMatchObject({ code: 'ERR_PIPELINE_BUSY' });
    expect(test.host.list()).toHaveLength(1);
    test.busy = false;
    await handle.remove();
  });

  test('does overlapping changes one after the other, and is settled after the last', async () => {
    const { host } = createHost();
    const log: string[] = [];
    const slow = (name: string): Plugin =>
      plugin(name, async (ctx) => {
        log.push(`${name} begins`);
        ctx.onRemove(() => void log.push(`${name} is out`));
        await sleep(2);
        log.push(`${name} ends`);
      });
    void host.use(slow('a'));
    void host.use(slow('b'));
    void host.remove('a');
    await host.settled();
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'a is out']);
  });

  test('a run that waits for a change leaves at once when it is aborted', async () => {
    const { host } = createHost();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const used = host.use(plugin('slow', () => gate));
    const abort = new AbortController();
    const settled = host.settled(abort.signal);
    abort.abort(new Error('enough'));
    await expect(settled).rejects.toThrow('enough');
    open();
    await used;
    await expect(host.settled(abort.signal)).rejects.toThrow('enough');
    await host.settled(new AbortController().signal);
  });

  test.each<[string, (host: ReturnType<typeof createHost>['host']) => Promise<unknown>]>([
    ['use', (host) => host.use(plugin('me:inner'))],
    ['remove', (host) => host.remove('me:other')],
    ['dispose', (host) => host.dispose()],
    ['run', (host) => host.settled()],
  ])('refuses a %s from within apply, which would wait for itself', async (_title, act) => {
    const { host } = createHost();
    await host.use(plugin('me:other'));
    await expect(host.use(plugin('me:outer', async () => void (await act(host))))).rejects.toMatchObject({
      code: 'ERR_PLUGIN_APPLY',
      cause: { code: 'ERR_PIPELINE_BUSY', details: { during: 'the installation of plugin "me:outer"' } },
    });
    expect(host.list().map(({ name }) => name)).toEqual(['me:other']);
  });

  test('accepts what a plugin asks for after it is installed', async () => {
    const { host } = createHost();
    let later: Promise<unknown> | undefined;
    await host.use(
      plugin('me:a', () => {
        later = sleep(5).then(() => host.use(plugin('me:b')));
      }),
    );
    await later;
    expect(host.list()).toHaveLength(2);
  });
});

describe('two pipelines', () => {
  test('refuse to share an instance, until the first lets it go', async () => {
    const [one, two] = [createHost(), createHost()];
    const a = plugin('me:a');
    await one.host.use(a);
    await expect(two.host.use(a)).rejects.toMatchObject({ code: 'ERR_PLUGIN_IN_USE', details: { plugin: 'me:a' } });
    await one.host.remove(a);
    await expect(two.host.use(a)).resolves.toMatchObject({ name: 'me:a' });
  });

  test('refuse it also while the first is still installing it', async () => {
    const [one, two] = [createHost(), createHost()];
    const gate = new EventEmitter();
    const a = plugin('me:a', async () => {
      setImmediate(() => gate.emit('begun'));
      await once(gate, 'finish');
    });
    const first = one.host.use(a);
    await once(gate, 'begun');
    await expect(two.host.use(a)).rejects.toMatchObject({ code: 'ERR_PLUGIN_IN_USE' });
    gate.emit('finish');
    await first;
  });

  test('share an instance that is made for it, each with a context of its own', async () => {
    const [one, two] = [createHost(), createHost()];
    const a = plugin('me:a', (ctx) => void ctx.hooks.beforeStep.tap('step', () => undefined), { multiple: true });
    await one.host.use(a);
    await two.host.use(a);
    await one.host.remove(a);
    expect([owners(one.hooks), owners(two.hooks)]).toEqual([[], ['beforeStep:me:a/step']]);
  });

  test('do not know of each other otherwise', async () => {
    const [one, two] = [createHost(), createHost()];
    await one.host.use(plugin('me:a', (ctx) => void ctx.provide(COLOUR, 'red'), { claims: ['residency'] }));
    await two.host.use(plugin('me:a', undefined, { claims: ['residency'] }));
    expect(two.services.getAll(COLOUR)).toEqual([]);
  });

  test('let an instance go with a pipeline that was dropped', async () => {
    const a = plugin('me:a');
    const drop = async (): Promise<WeakRef<object>> => {
      const { host } = createHost();
      await host.use(a);
      return new WeakRef(host);
    };
    expect(await isCollected(await drop())).toBe(true);
    await expect(createHost().host.use(a)).resolves.toMatchObject({ name: 'me:a' });
  });
});

describe('dispose', () => {
  test('removes all, last first, also during a run and those that others require, and accepts no more', async () => {
    const test = createHost();
    const out: string[] = [];
    const named = (name: string, more: Partial<Plugin> = {}): Plugin =>
      plugin(name, (ctx) => ctx.onRemove(() => void out.push(name)), more);
    await test.host.use(named('a'));
    const handle = await test.host.use(named('b', { requires: ['a'] }));
    await test.host.use(named('c'));
    test.busy = true;
    await test.host.dispose();
    await test.host.dispose();
    await handle.remove();
    expect(out).toEqual(['c', 'b', 'a']);
    await expect(test.host.use(plugin('d'))).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('reports every plugin that failed to clean up', async () => {
    const { host, hooks } = createHost();
    for (const name of ['a', 'b']) {
      await host.use(
        plugin(name, (ctx) => {
          ctx.hooks.failed.tap('f', () => undefined);
          ctx.onRemove(() => fail(`${name} is stuck`));
        }),
      );
    }
    await expect(host[Symbol.asyncDispose]()).rejects.toMatchObject({
      name: 'AggregateError',
      errors: [{ details: { plugin: 'b' } }, { details: { plugin: 'a' } }],
    });
    expect(owners(hooks)).toEqual([]);
  });
});
