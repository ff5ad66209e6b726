import { ThimbleError } from '../errors.js';
import { type HookName, type Hooks, hookNames } from '../hooks/manifest.js';
import type { TapHandle } from '../hooks/engine/TapHandle.js';
import type { TapOptions } from '../hooks/engine/TapOptions.js';
import { DisposalStack } from '../hooks/engine/DisposalStack.js';
import type { PluginContext } from './PluginContext.js';
import type { PluginRecord, UsablePlugin } from './PluginRecord.js';
import type { PluginHostPipeline } from './PluginHostPipeline.js';
import type { OpenModel, PluginPipeline } from './PluginPipeline.js';
import type { ScopedHooks } from './ScopedHooks.js';
import type { ServiceRegistry } from './ServiceRegistry.js';

/** What the scopes of a pipeline share. */
export interface PluginScopeParts {
  readonly hooks: Hooks;
  readonly services: ServiceRegistry;
  readonly pipeline: PluginHostPipeline;
  readonly openModel: OpenModel;
  /** See {@link PluginPipeline.ownComponents}. */
  readonly ownComponents: () => readonly string[] | undefined;
}

/** Installs a plugin for another one. */
export type UsePlugin = (plugin: UsablePlugin) => Promise<PluginRecord>;

/** One installed plugin's part of the pipeline: records what the plugin does through its context, and undoes it when closed. */
export class PluginScope {
  /** What the plugin's `apply` is given. */
  readonly context: PluginContext;
  readonly #plugin: string;
  readonly #stack = new DisposalStack();
  #closed = false;

  constructor(plugin: string, parts: PluginScopeParts, use: UsePlugin) {
    this.#plugin = plugin;
    this.context = this.#createContext(parts, use);
  }

  /** Undoes everything the plugin did, last first, each awaited. Returns what was thrown. */
  async close(): Promise<unknown[]> {
    this.#closed = true;
    return this.#stack.unwind();
  }

  #createContext(
    { hooks, services, pipeline, openModel, ownComponents }: PluginScopeParts,
    use: UsePlugin,
  ): PluginContext {
    return Object.freeze<PluginContext>({
      hooks: this.#scopeHooks(hooks),
      pipeline: this.#scopePipeline(pipeline, openModel, ownComponents),
      get: (token) => services.get(token),
      getAll: (token) => services.getAll(token),
      provide: (token, value) => {
        this.#assertOpen('ctx.provide()');
        return this.#record(services.provide(token, value));
      },
      use: async (plugin) => {
        this.#assertOpen('ctx.use()');
        return use(plugin);
      },
      addDisposable: (disposable) => {
        this.#assertOpen('ctx.addDisposable()');
        this.#stack.add(() => dispose(disposable));
        return disposable;
      },
      onRemove: (fn) => {
        this.#assertOpen('ctx.onRemove()');
        this.#stack.add(fn);
      },
    });
  }

  #scopePipeline(
    pipeline: PluginHostPipeline,
    openModel: OpenModel,
    ownComponents: () => readonly string[] | undefined,
  ): PluginPipeline {
    return Object.freeze<PluginPipeline>({
      components: pipeline.components,
      tokenizers: pipeline.tokenizers,
      get ownComponents() {
        return ownComponents();
      },
      get plugins() {
        return pipeline.plugins;
      },
      memoryLimit: pipeline.memoryLimit,
      get calls() {
        return pipeline.calls;
      },
      convolution: pipeline.convolution,
      memory: async () => pipeline.memory(),
      trim: async () => pipeline.trim(),
      warn: (code, message) => pipeline.warn(code, message),
      progress: (task, done, total) => pipeline.progress(task, done, total),
      open: async (name, from, options = {}) => {
        this.#assertOpen('ctx.pipeline.open()');
        const { handle, close } = await openModel(name, from, options);
        // Opening takes long: the plugin may be gone.
        if (this.#closed) await close();
        this.#assertOpen('ctx.pipeline.open()');
        this.#stack.add(close);
        return handle;
      },
    });
  }

  #scopeHooks(hooks: Hooks): ScopedHooks {
    const scoped = hookNames.map((name) => [name, this.#scopeHook(hooks, name)] as const);
    return Object.freeze(Object.fromEntries(scoped)) as unknown as ScopedHooks;
  }

  #scopeHook(hooks: Hooks, name: HookName): { tap(options: string | TapOptions, fn: () => undefined): TapHandle } {
    return {
      tap: (options, fn) => {
        this.#assertOpen(`ctx.hooks.${name}.tap()`);
        const named = typeof options === 'string' ? { name: options } : options;
        // `fn` passes through untouched: its parameters are typed by ScopedHooks.
        const tap = hooks[name].tap({ ...named, plugin: this.#plugin }, fn);
        return { changed: () => tap.changed(), ...this.#record(tap) };
      },
    };
  }

  /** Records `disposable` under the plugin, until one of both disposes it: taps that come and go leave nothing behind. */
  #record(disposable: Disposable): Disposable {
    const forget = this.#stack.add(() => disposable[Symbol.dispose]());
    return {
      [Symbol.dispose]: () => {
        forget();
        disposable[Symbol.dispose]();
      },
    };
  }

  #assertOpen(action: string): void {
    if (this.#closed) throw new ThimbleError('ERR_PLUGIN_REMOVED', { plugin: this.#plugin, action });
  }
}

function dispose(disposable: Disposable | AsyncDisposable): unknown {
  if (Symbol.asyncDispose in disposable) return disposable[Symbol.asyncDispose]();
  return disposable[Symbol.dispose]();
}
