import type { PluginContext } from './PluginContext.js';
import type { PluginIdentity } from './PluginRecord.js';

/**
 * A technique that can be added to a pipeline and taken out again. Whatever it taps, provides or opens through its context is undone
 * when it is removed, so most plugins are a name and an `apply`.
 *
 * Options belong to the instance; state belongs to `apply`'s variables or to the run, never to the module.
 */
export interface Plugin extends PluginIdentity {
  /** Installs it. Runs again if it is removed and used again. If it throws, everything done through `ctx` is undone. */
  apply(ctx: PluginContext): void | Promise<void>;
}
