import type { PluginHostPipeline } from './PluginHostPipeline.js';
import type { ScopedHooks } from './ScopedHooks.js';
import type { Token } from './Token.js';

/**
 * What a plugin acts through. Everything done here is recorded under the plugin and undone, last first, when it is removed or its
 * `apply` fails. After that, every call is an `ERR_PLUGIN_REMOVED`.
 */
export interface PluginContext {
  /** The pipeline's hooks: `ctx.hooks.beforeStep.tap('my-plugin', (step) => { … })`. */
  readonly hooks: ScopedHooks;
  readonly pipeline: PluginHostPipeline;
  /**
   * What was provided last for `token`.
   *
   * @throws ThimbleError `ERR_SERVICE_MISSING` if nothing was.
   */
  get<T>(token: Token<T>): T;
  /** All that is provided for `token`, oldest first. */
  getAll<T>(token: Token<T>): T[];
  /** Adds `value` to what is provided for `token`, until the plugin is removed or the result is disposed. */
  provide<T>(token: Token<T>, value: T): Disposable;
  /** Disposes `disposable` when the plugin is removed. Gives it back. */
  addDisposable<D extends Disposable | AsyncDisposable>(disposable: D): D;
  /** Calls `fn` when the plugin is removed, and waits for it. What it throws is reported after the rest is undone too. */
  onRemove(fn: () => void | Promise<void>): void;
}
