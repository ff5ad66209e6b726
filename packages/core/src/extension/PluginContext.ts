import type { PluginPipeline } from './PluginPipeline.js';
import type { PluginRecord, UsablePlugin } from './PluginRecord.js';
import type { ScopedHooks } from './ScopedHooks.js';
import type { Token } from './Token.js';

/**
 * What a plugin acts through. Everything done here is recorded under the plugin and undone, last first, when it is removed or its
 * `apply` fails. After that, doing more is an `ERR_PLUGIN_REMOVED`. Its functions are bound, so it may be taken apart:
 * `apply({ hooks, onRemove })`.
 */
export interface PluginContext {
  /** The pipeline's hooks: `ctx.hooks.beforeStep.tap('my-plugin', (step) => { … })`. */
  readonly hooks: ScopedHooks;
  readonly pipeline: PluginPipeline;
  /**
   * What was provided last for `token`.
   *
   * @throws ThimbleError `ERR_SERVICE_MISSING` if nothing was.
   */
  readonly get: <T>(token: Token<T>) => T;
  /** All that is provided for `token`, oldest first. */
  readonly getAll: <T>(token: Token<T>) => T[];
  /** Adds `value` to what is provided for `token`, until the plugin is removed or the result is disposed. */
  readonly provide: <T>(token: Token<T>, value: T) => Disposable;
  /**
   * Installs another plugin, which goes when this one does, and gives way to one that the user installs: one of the same name, or with a claim of its own. Not while this
   * one is installed or removed, and during a run only in what is provided for `RUN_PLANNERS`.
   *
   * @throws ThimbleError as `pipe.use` does; ERR_PLUGIN_REMOVED
   */
  readonly use: (plugin: UsablePlugin) => Promise<PluginRecord>;
  /** Disposes `disposable` when the plugin is removed. Gives it back. */
  readonly addDisposable: <D extends Disposable | AsyncDisposable>(disposable: D) => D;
  /** Calls `fn` when the plugin is removed, and waits for it. What it throws is reported after the rest is undone too. */
  readonly onRemove: (fn: () => void | Promise<void>) => void;
}
