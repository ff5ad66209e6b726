import { expect, test } from '@jest/globals';
import type { PluginContext } from '../../src/extension/PluginContext.js';
import { RUN_PLANNERS } from '../../src/extension/tokens.js';
import { createHost, plugin } from './createHost.js';

const RUN = { id: 1, prompt: '', options: { width: 64 }, state: new Map<unknown, unknown>(), steps: 1 };
const RESIDENCY = { claims: ['residency'] };

/** A host with a plugin that gives its context away. */
async function withContext(): Promise<ReturnType<typeof createHost> & { readonly ctx: PluginContext }> {
  const test = createHost();
  let ctx: PluginContext | undefined;
  await test.host.use(plugin('me:owner', (given) => void (ctx = given)));
  return Object.assign(test, { ctx: ctx as PluginContext });
}

test('what a plugin installs goes when it does, last first', async () => {
  const { host, ctx } = await withContext();
  const gone: string[] = [];
  for (const name of ['me:a', 'me:b'])
    await ctx.use(plugin(name, ({ onRemove }) => onRemove(() => void gone.push(name))));
  expect(host.list().map(({ name }) => name)).toEqual(['me:owner', 'me:a', 'me:b']);
  await host.remove('me:owner');
  expect(host.list()).toEqual([]);
  expect(gone).toEqual(['me:b', 'me:a']);
  await expect(ctx.use(plugin('me:c'))).rejects.toMatchObject({ code: 'ERR_PLUGIN_REMOVED' });
});

test("it gives way to the user's own of the same name or claim, and never the other way round", async () => {
  const { host, ctx } = await withContext();
  const handle = await ctx.use(plugin('me:a', undefined, RESIDENCY));
  await ctx.use(plugin('me:b'));
  await host.use(plugin('you:residency', undefined, RESIDENCY));
  await host.use(plugin('me:b'));
  expect(host.list().map(({ name }) => name)).toEqual(['me:owner', 'you:residency', 'me:b']);
  await handle.remove();
  await expect(ctx.use(plugin('me:c', undefined, RESIDENCY))).rejects.toMatchObject({
    code: 'ERR_PLUGIN_CONFLICT',
    details: { holder: 'you:residency' },
  });
  await host.remove('me:owner');
  expect(host.list().map(({ name }) => name)).toEqual(['you:residency', 'me:b']);
});

test('a planner may install and remove plugins during a run that has not begun, and nobody may afterwards', async () => {
  const test = await withContext();
  const { host, ctx } = test;
  test.busy = true;
  ctx.provide(RUN_PLANNERS, {
    check: async () => undefined,
    async plan({ options }) {
      expect(options['width']).toBe(64);
      await (await ctx.use(plugin('me:a'))).remove();
      await ctx.use(plugin('me:b'));
    },
  });
  await host.plan(RUN);
  expect(host.list().map(({ name }) => name)).toEqual(['me:owner', 'me:b']);
  await expect(host.use(plugin('me:c'))).rejects.toMatchObject({ code: 'ERR_PIPELINE_BUSY' });
});

test('what a planner throws is what the run throws, and plugins are fixed again', async () => {
  const test = await withContext();
  test.busy = true;
  const reason = new Error('too large');
  test.ctx.provide(RUN_PLANNERS, { check: async () => undefined, plan: async () => Promise.reject(reason) });
  await expect(test.host.plan(RUN)).rejects.toBe(reason);
  await expect(test.host.use(plugin('me:c'))).rejects.toMatchObject({ code: 'ERR_PIPELINE_BUSY' });
});
