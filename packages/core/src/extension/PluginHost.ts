import { AsyncLocalStorage } from 'node:async_hooks';
import { describeValue } from '../errors/describeValue.js';
import { ThimbleError } from '../errors.js';
import { assertOneCore } from './coreCopies.js';
import { untilAborted } from '../untilAborted.js';
import type { Plugin } from './Plugin.js';
import type { PluginHandle } from './PluginHandle.js';
import type { RunContext } from '../hooks/calls/RunContext.js';
import type { Token } from './Token.js';
import { RUN_PLANNERS } from './tokens.js';
import { PluginScope, type PluginScopeParts } from './PluginScope.js';
import { validatePlugin } from './validatePlugin.js';

/** What a {@link PluginHost} needs of its pipeline. */
export interface PluginHostOptions extends PluginScopeParts {
  /** Version of `@thimble/core`, which plugins' `engines` are checked against. */
  readonly version: string;
  /** Whether a run is in progress, so that plugins cannot change. */
  busy(): boolean;
}

interface Installed {
  readonly plugin: Plugin;
  readonly name: string;
  readonly scope: PluginScope;
  readonly handle: PluginHandle;
  /** The plugin that installed it, by name; `undefined` where the user did. */
  readonly owner: string | undefined;
}

/**
 * Which host an instance is in. Across pipelines by nature, so it cannot live in one of them. Weak on both sides: a pipeline that
 * was dropped without `dispose` blocks nobody.
 */
const hostOf = new WeakMap<Plugin, WeakRef<PluginHost>>();

/** A change of the plugins of one host, while it goes on. */
interface Change {
  readonly key: object;
  now: string | undefined;
}

/** The changes that the running code is part of. One store for all hosts, as each one that there is makes every promise of the process slower. */
const changes = new AsyncLocalStorage<readonly Change[]>();

/** Installs plugins in one pipeline and removes them again. Calls that overlap are done one after the other. */
export class PluginHost implements AsyncDisposable {
  readonly #options: PluginHostOptions;
  readonly #installed = new Map<string, Installed>();
  readonly #handles = new WeakSet<PluginHandle>();
  /** Stands for this host in {@link changes}, so that what began in a change keeps no pipeline alive. */
  readonly #key = {};
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;
  /** Whether a run that goes on is planned, which has not begun. */
  #planning = false;

  constructor(options: PluginHostOptions) {
    this.#options = options;
  }

  /** The installed plugins, in the order in which they were installed. */
  list(): PluginHandle[] {
    return [...this.#installed.values()].map(({ handle }) => handle);
  }

  /** All that the installed plugins provide for `token`, oldest first. */
  provided<T>(token: Token<T>): T[] {
    return this.#options.services.getAll(token);
  }

  /**
   * Resolves once no `use` or `remove` is in progress: a run that begins then sees all or nothing of a plugin.
   *
   * @throws ThimbleError `ERR_PIPELINE_BUSY` if a plugin calls it while it is installed or removed, as it would wait for itself; `signal.reason`.
   */
  async settled(signal?: AbortSignal): Promise<void> {
    this.#assertOutside('start a run');
    await untilAborted(this.#queue, signal);
  }

  /**
   * Installs `plugin`. If its `apply` fails, everything it did is undone.
   *
   * @returns what removes it again.
   * @throws ThimbleError `ERR_PLUGIN_FALSY`, `ERR_PLUGIN_STRING`, `ERR_PLUGIN_CLASS`, `ERR_PLUGIN_INVALID` if it is no plugin;
   * `ERR_PLUGIN_ENGINE`, `ERR_PLUGIN_DUPLICATE`, `ERR_PLUGIN_CONFLICT`, `ERR_PLUGIN_REQUIRES`, `ERR_PLUGIN_IN_USE` if it cannot be
   * installed here; `ERR_CORE_DUPLICATE` if this package is loaded more than once; `ERR_PLUGIN_APPLY` if `apply` failed; `ERR_PIPELINE_BUSY` during a run; `ERR_DISPOSED`.
   */
  async use(plugin: Plugin): Promise<PluginHandle> {
    validatePlugin(plugin);
    assertOneCore(plugin.name);
    return this.#use(plugin);
  }

  /** Has the installed plugins plan a run whose turn it is: until it is done, plugins may come and go. @throws what a planner throws; `signal.reason` */
  async plan(run: RunContext): Promise<void> {
    this.#planning = true;
    try {
      for (const planner of this.provided(RUN_PLANNERS)) await planner.plan(run);
    } finally {
      this.#planning = false;
    }
    await this.settled(run.signal);
  }

  /**
   * Removes a plugin, given itself, its handle or its name. A handle of this host whose plugin is out already is no error.
   *
   * @throws ThimbleError `ERR_PLUGIN_UNKNOWN` if it is not installed; `ERR_PLUGIN_REQUIRED` if another one requires it;
   * `ERR_PLUGIN_REMOVE` if it is removed but its clean-up failed; `ERR_PIPELINE_BUSY` during a run.
   */
  async remove(target: Plugin | PluginHandle | string): Promise<void> {
    const name = nameOf(target);
    return this.#exclusively(`remove plugin "${name}"`, `the removal of plugin "${name}"`, async () => {
      const installed = this.#find(target);
      if (installed !== undefined) return this.#uninstall(installed);
      if (typeof target === 'object' && this.#handles.has(target as PluginHandle)) return;
      throw new ThimbleError('ERR_PLUGIN_UNKNOWN', { plugin: name, installed: [...this.#installed.keys()] });
    });
  }

  /**
   * Removes all plugins, last installed first, and accepts no more. Also during a run: its caller has ended the run.
   *
   * @throws AggregateError of the plugins' `ERR_PLUGIN_REMOVE`, after all are removed; ThimbleError `ERR_PIPELINE_BUSY` if a plugin
   * calls it while it is installed or removed.
   */
  async dispose(): Promise<void> {
    this.#assertOutside('dispose the pipeline');
    this.#disposed = true;
    const errors = await this.#enqueue('the disposal of the pipeline', () => this.#uninstallAll());
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} plugins failed to clean up`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** `owner`: the plugin that asks for it. */
  async #use(plugin: Plugin, owner?: string): Promise<PluginHandle> {
    return this.#exclusively(`use plugin "${plugin.name}"`, `the installation of plugin "${plugin.name}"`, () =>
      this.#install(plugin, owner),
    );
  }

  async #install(plugin: Plugin, owner: string | undefined): Promise<PluginHandle> {
    await this.#assertEngine(plugin);
    if (owner === undefined) await this.#makeWay(plugin);
    this.#assertInstallable(plugin);
    const { name } = plugin;
    const scope = new PluginScope(name, this.#options, async (other) => {
      validatePlugin(other);
      return this.#use(other, name);
    });
    hostOf.set(plugin, new WeakRef(this));
    try {
      await plugin.apply(scope.context);
    } catch (cause) {
      const rollback = (await scope.close()).map(messageOf);
      this.#release(plugin);
      throw new ThimbleError('ERR_PLUGIN_APPLY', { plugin: name, cause: messageOf(cause), rollback }, { cause });
    }
    const handle = this.#createHandle(plugin, name);
    this.#installed.set(name, { plugin, name, scope, handle, owner });
    return handle;
  }

  /** Removes what another plugin installed where the user's own cannot be beside it. */
  async #makeWay({ name, claims = [] }: Plugin): Promise<void> {
    for (const other of this.#installed.values()) {
      const inTheWay = other.name === name || other.plugin.claims?.some((claim) => claims.includes(claim)) === true;
      if (other.owner !== undefined && inTheWay) await this.#uninstall(other);
    }
  }

  #createHandle(plugin: Plugin, name: string): PluginHandle {
    const remove = async (): Promise<void> => {
      if (this.#installed.get(name)?.handle === handle) await this.remove(handle);
    };
    const handle: PluginHandle = Object.freeze({ plugin, name, remove, [Symbol.asyncDispose]: remove });
    this.#handles.add(handle);
    return handle;
  }

  async #uninstall({ name, plugin, scope }: Installed): Promise<void> {
    const owned = [...this.#installed.values()].filter(({ owner }) => owner === name);
    for (const each of owned.toReversed()) await this.#uninstall(each);
    const by = [...this.#installed.values()]
      .filter((other) => other.plugin.requires?.includes(name))
      .map((other) => other.name);
    if (by.length > 0) throw new ThimbleError('ERR_PLUGIN_REQUIRED', { plugin: name, by });
    this.#installed.delete(name);
    const errors = await scope.close();
    this.#release(plugin);
    if (errors.length === 0) return;
    const failures = errors.map(messageOf);
    const cause = new AggregateError(errors, failures.join('; '));
    throw new ThimbleError('ERR_PLUGIN_REMOVE', { plugin: name, failures }, { cause });
  }

  async #uninstallAll(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const installed of [...this.#installed.values()].reverse()) {
      await this.#uninstall(installed).catch((error: unknown) => errors.push(error));
    }
    return errors;
  }

  async #assertEngine({ name, engines }: Plugin): Promise<void> {
    if (engines === undefined) return;
    // Loaded only here: 4 MB that most pipelines do not need.
    const { default: satisfies } = await import('semver/functions/satisfies.js');
    const { version } = this.#options;
    if (!satisfies(version, engines.thimble, { includePrerelease: true }))
      throw new ThimbleError('ERR_PLUGIN_ENGINE', { plugin: name, range: engines.thimble, version });
  }

  #assertInstallable(plugin: Plugin): void {
    const { name, claims = [], requires = [] } = plugin;
    if (this.#installed.has(name)) throw new ThimbleError('ERR_PLUGIN_DUPLICATE', { plugin: name });
    for (const claim of claims) this.#assertUnclaimed(name, claim);
    const missing = requires.filter((required) => !this.#installed.has(required));
    if (missing.length > 0) throw new ThimbleError('ERR_PLUGIN_REQUIRES', { plugin: name, missing });
    const elsewhere = hostOf.get(plugin)?.deref();
    if (elsewhere !== undefined && plugin.multiple !== true)
      throw new ThimbleError('ERR_PLUGIN_IN_USE', { plugin: name });
  }

  #assertUnclaimed(plugin: string, claim: string): void {
    for (const { name, plugin: other } of this.#installed.values()) {
      if (other.claims?.includes(claim)) throw new ThimbleError('ERR_PLUGIN_CONFLICT', { plugin, claim, holder: name });
    }
  }

  #release(plugin: Plugin): void {
    if (hostOf.get(plugin)?.deref() === this) hostOf.delete(plugin);
  }

  #find(target: Plugin | PluginHandle | string): Installed | undefined {
    if (typeof target === 'string') return this.#installed.get(target);
    return [...this.#installed.values()].find(({ plugin, handle }) => plugin === target || handle === target);
  }

  /** Does `change` when the ones before it are done, unless the pipeline is busy then. */
  async #exclusively<T>(action: string, title: string, change: () => Promise<T>): Promise<T> {
    this.#assertOutside(action);
    return this.#enqueue(title, async () => {
      if (this.#disposed) throw new ThimbleError('ERR_DISPOSED', { object: 'the pipeline' });
      if (this.#options.busy() && !this.#planning)
        throw new ThimbleError('ERR_PIPELINE_BUSY', { action, during: 'a run' });
      return change();
    });
  }

  /** Refuses what a plugin asks for from within a change: it would wait for a turn that comes after its own. */
  #assertOutside(action: string): void {
    const during = changes.getStore()?.findLast(({ key, now }) => key === this.#key && now !== undefined)?.now;
    if (during !== undefined) throw new ThimbleError('ERR_PIPELINE_BUSY', { action, during });
  }

  #enqueue<T>(title: string, change: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#watched(title, change));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Does `change` under its title. */
  async #watched<T>(title: string, change: () => Promise<T>): Promise<T> {
    const current: Change = { key: this.#key, now: title };
    try {
      return await changes.run([...(changes.getStore() ?? []), current], change);
    } finally {
      current.now = undefined;
    }
  }
}

function nameOf(target: unknown): string {
  const named = (typeof target === 'object' && target !== null) || typeof target === 'function';
  const name = named && 'name' in target ? target.name : target;
  return typeof name === 'string' ? name : describeValue(name);
}

function messageOf(error: unknown): string {
  return String(typeof error === 'object' && error !== null && 'message' in error ? error.message : error);
}
