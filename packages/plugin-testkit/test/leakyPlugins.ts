import { DDIMScheduler, type Hooks, type Plugin, Tensor } from '@thimble/core';
import type { ComponentHandle, PluginContext, RunContext } from '@thimble/core/plugin';

/** A plugin that breaks rules, and one that does the same as it should be done. */
export interface FaultAndTwin {
  readonly fault: string;
  readonly breaks: readonly string[];
  readonly create: () => Plugin;
  readonly twin: () => Plugin;
  /** Undoes what the faulty one leaves for all pipelines. */
  readonly clean?: () => void;
}

type Apply = (ctx: PluginContext) => void | Promise<void>;

function plugin(apply: Apply): () => Plugin {
  return () => ({ name: 'test:leaky', engines: { thimble: '*' }, apply });
}

function unet({ pipeline }: PluginContext): ComponentHandle {
  return pipeline.components['unet'] as ComponentHandle;
}

/** Latents of steps that were done before, by what `key` makes of a run. */
function cacheBy(key: (run: RunContext) => unknown): (known?: Map<string, Tensor>) => Apply {
  return (known) =>
    ({ hooks }) => {
      const steps = known ?? new Map<string, Tensor>();
      hooks.afterStep.tap('cache', (step) => {
        const at = JSON.stringify([step.index, key(step.run)]);
        step.latents = steps.get(at) ?? step.latents;
        steps.set(at, step.latents);
      });
    };
}

const ASKED = ['prompt', 'seed', 'size', 'pictures'] as const;

function askedFor({ prompt, options }: RunContext): Readonly<Record<(typeof ASKED)[number], unknown>> {
  const { seed, width, height } = options;
  const prompts = [prompt].flat();
  return { prompt: prompts[0], seed, size: [width, height], pictures: prompts.length };
}

const complete = plugin(cacheBy(askedFor)());

const CACHES: readonly FaultAndTwin[] = [
  ...ASKED.map((left) => ({
    fault: `gives latents that it saw before, whatever the ${left} is`,
    breaks: ['runs-independent'],
    create: plugin(cacheBy((run) => ({ ...askedFor(run), [left]: undefined }))()),
    twin: complete,
  })),
  {
    fault: 'gives the first latents that any of its instances ever saw',
    breaks: ['runs-independent'],
    create: plugin(cacheBy(() => undefined)(new Map())),
    twin: complete,
  },
];

function write(tensor: Tensor | undefined): void {
  if (tensor !== undefined) (tensor.data as Float32Array)[0]! += 0.5;
}

function changed({ data, dims }: Tensor): Tensor {
  const copy = (data as Float32Array).slice();
  copy[0]! += 0.5;
  return new Tensor('float32', copy, dims);
}

const WRITERS: readonly FaultAndTwin[] = [
  {
    fault: 'writes into the latents of afterStep',
    breaks: ['latents-untouched'],
    create: plugin(({ hooks }) => void hooks.afterStep.tap('write', ({ latents }) => write(latents))),
    twin: plugin(
      ({ hooks }) => void hooks.afterStep.tap('write', (step) => void (step.latents = changed(step.latents))),
    ),
  },
  {
    fault: 'writes into the latents of beforeStep when the step is done',
    breaks: ['latents-untouched'],
    create: plugin(({ hooks }) => {
      let before: Tensor | undefined;
      hooks.beforeStep.tap('keep', ({ latents }) => void (before = latents));
      hooks.afterStep.tap('write', () => write(before));
    }),
    twin: plugin(
      ({ hooks }) => void hooks.beforeStep.tap('write', (step) => void (step.latents = changed(step.latents))),
    ),
  },
  {
    fault: 'writes into what is decoded',
    breaks: ['latents-untouched'],
    create: plugin(({ hooks }) => void hooks.beforeDecode.tap('write', ({ z }) => write(z))),
    twin: plugin(({ hooks }) => void hooks.beforeDecode.tap('write', (call) => void (call.z = changed(call.z)))),
  },
  {
    fault: 'writes into the inputs of a model',
    breaks: ['latents-untouched'],
    create: plugin(
      ({ hooks }) =>
        void hooks.beforeModelCall.tap('write', ({ inputs }) => write(inputs['encoder_hidden_states'] ?? inputs['z'])),
    ),
    twin: plugin(({ hooks }) => {
      hooks.beforeModelCall.tap('write', (call) => {
        const { encoder_hidden_states: states } = call.inputs;
        if (states !== undefined) call.inputs = { ...call.inputs, encoder_hidden_states: changed(states) };
      });
    }),
  },
];

/** Breaks no rule: what `begin` does is undone on removal. */
function undone(begin: (ctx: PluginContext) => () => void): () => Plugin {
  return plugin((ctx) => {
    const undo: (() => void)[] = [];
    // First: what is done before somebody knows how to undo it, a failure leaves.
    ctx.onRemove(() => undo.pop()?.());
    undo.push(begin(ctx));
  });
}

const every = (): NodeJS.Timeout => setInterval(() => undefined, 10_000);

const TIMERS: readonly FaultAndTwin[] = [
  {
    fault: 'leaves an interval',
    breaks: ['timers-cleared'],
    create: plugin(() => void every().unref()),
    twin: undone(() => {
      const timer = every();
      return () => clearInterval(timer);
    }),
  },
  {
    fault: 'leaves a timer of each run',
    breaks: ['timers-cleared'],
    create: plugin(
      ({ hooks }) => void hooks.beforeRun.tap('watch', () => void setTimeout(() => undefined, 10_000).unref()),
    ),
    twin: plugin(({ hooks }) => {
      let timer: NodeJS.Timeout | undefined;
      hooks.beforeRun.tap('watch', () => void (timer = setTimeout(() => undefined, 10_000)));
      for (const end of [hooks.afterRun, hooks.failed]) end.tap('watch', () => clearTimeout(timer));
    }),
  },
];

const ignore = (): void => undefined;

const LISTENERS: readonly FaultAndTwin[] = [
  {
    fault: 'leaves a listener on the process',
    breaks: ['listeners-removed', 'rollback'],
    create: plugin(({ hooks }) => {
      process.on('beforeExit', () => undefined);
      hooks.beforeStep.tap('first', () => undefined);
    }),
    twin: undone(() => {
      process.on('beforeExit', ignore);
      return () => void process.off('beforeExit', ignore);
    }),
  },
  {
    fault: "leaves listeners on a run's signal",
    breaks: ['listeners-removed'],
    create: plugin(
      ({ hooks }) =>
        void hooks.beforeStep.tap('listen', ({ signal }) => signal?.addEventListener('abort', () => undefined)),
    ),
    twin: plugin(({ hooks }) => {
      hooks.beforeStep.tap('listen', ({ signal }) => signal?.addEventListener('abort', ignore));
      hooks.afterStep.tap('listen', ({ signal }) => signal?.removeEventListener('abort', ignore));
    }),
  },
  {
    fault: 'goes on watching a hook',
    breaks: ['members-restored', 'reinstalls'],
    create: plugin((ctx) => {
      hooksBehind(ctx).afterStep.onCall = ignore;
    }),
    twin: undone((ctx) => {
      const { afterStep } = hooksBehind(ctx);
      afterStep.onCall = ignore;
      return () => void (afterStep.onCall = undefined);
    }),
  },
];

/** What a plugin is not shown, and some find all the same. */
export function hooksBehind(ctx: PluginContext): Hooks {
  return (unet(ctx) as ComponentHandle & { readonly hooks: Hooks }).hooks;
}

/** Puts a method in place of another one that does the same; gives back what undoes it. */
function patch(object: object, name: string): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  const method = (object as Record<string, (...args: unknown[]) => unknown>)[name]!;
  const value = function (this: unknown, ...args: unknown[]): unknown {
    return method.apply(this, args);
  };
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, own);
  };
}

/** A plugin that patches a method. */
function patched(of: string, find: (ctx: PluginContext) => object, name: string): FaultAndTwin {
  const undo: (() => void)[] = [];
  return {
    fault: `leaves ${name} of ${of} patched`,
    breaks: ['members-restored'],
    create: plugin((ctx) => void undo.push(patch(find(ctx), name))),
    twin: undone((ctx) => patch(find(ctx), name)),
    clean: () => {
      for (const each of undo.splice(0).reverse()) each();
    },
  };
}

const PATCHES: readonly FaultAndTwin[] = [
  patched('the unet', unet, 'call'),
  patched('the vae', ({ pipeline }) => pipeline.components['vae'] as object, 'decode'),
  patched("the unet's model", (ctx) => unet(ctx).model, 'graph'),
  patched('the device', (ctx) => unet(ctx).device, 'run'),
  patched('the class of the scheduler', () => DDIMScheduler.prototype, 'step'),
  {
    fault: "leaves another config in the unet's place",
    breaks: ['members-restored', 'reinstalls'],
    create: plugin(
      (ctx) => void Object.defineProperty(unet(ctx), 'config', { value: { ...unet(ctx).config }, configurable: true }),
    ),
    twin: undone((ctx) => {
      Object.defineProperty(unet(ctx), 'config', { value: { ...unet(ctx).config }, configurable: true });
      return () => void Reflect.deleteProperty(unet(ctx), 'config');
    }),
  },
];

export const LEAKY_PLUGINS: readonly FaultAndTwin[] = [...CACHES, ...WRITERS, ...TIMERS, ...LISTENERS, ...PATCHES];
