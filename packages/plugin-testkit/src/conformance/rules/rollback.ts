import type { DiffusionPipeline, Plugin } from '@thimble/core';
import type { PluginContext, ScopedHooks } from '@thimble/core/plugin';
import type { Bench } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';
import { expectClean, type Holdings, holdingsOf } from '../Holdings.js';
import { expectPicture } from '../expectPicture.js';
import { violation } from '../violation.js';

/** More than this many calls of its context are not tried one by one. */
const MOST_CALLS = 16;

export const rollback: ConformanceRule = {
  name: 'rollback',
  summary: 'leaves nothing behind where its apply fails half way',
  check: async (bench) => {
    const pipe = await bench.open();
    const before = await holdingsOf(pipe);
    for (let call = 1; call <= MOST_CALLS; call++) if (!(await failAt(call, pipe, before, bench))) break;
    expectPicture(
      await bench.generate(pipe),
      await bench.plain(),
      'after an apply that failed, the picture is not that of before',
    );
  },
};

/** Lets the plugin's `call`-th use of its context fail. Says whether there was one. */
async function failAt(call: number, pipe: DiffusionPipeline, before: Holdings, bench: Bench): Promise<boolean> {
  const plugin = bench.create();
  const counter = { left: call };
  const failing: Plugin = {
    name: plugin.name,
    ...(plugin.claims === undefined ? {} : { claims: plugin.claims }),
    ...(plugin.requires === undefined ? {} : { requires: plugin.requires }),
    apply: (ctx) => plugin.apply(failingContext(ctx, counter)),
  };
  const handle = await pipe.use(failing).catch(() => undefined);
  const reached = counter.left <= 0;
  if (handle !== undefined && reached) throw violation('apply goes on when a call of its context has failed');
  await handle?.remove();
  await expectClean(
    pipe,
    before,
    handle === undefined ? 'by an apply that failed half way' : 'after the plugin was removed',
  );
  return reached;
}

/** A context whose calls count down, and fail at zero. */
function failingContext(ctx: PluginContext, counter: { left: number }): PluginContext {
  const counted =
    <A extends unknown[], R>(fn: (...args: A) => R) =>
    (...args: A): R => {
      if (--counter.left === 0) throw new Error('the conformance suite lets this call fail');
      return fn(...args);
    };
  const hooks = Object.fromEntries(
    Object.entries(ctx.hooks).map(([name, hook]) => [
      name,
      { tap: counted((options: string, fn: () => undefined) => hook.tap(options, fn)) },
    ]),
  );
  return {
    hooks: hooks as unknown as ScopedHooks,
    pipeline: ctx.pipeline,
    get: ctx.get,
    getAll: ctx.getAll,
    use: counted(ctx.use),
    provide: counted(ctx.provide as (token: never, value: unknown) => Disposable) as PluginContext['provide'],
    addDisposable: counted(
      ctx.addDisposable as (disposable: Disposable) => Disposable,
    ) as PluginContext['addDisposable'],
    onRemove: counted(ctx.onRemove),
  };
}
