import type { PluginContext } from './PluginContext.js';

/** What only one plugin of a pipeline may own. `residency`: which weights are in memory when. Others may be made up. */
export type Claim = 'residency' | (string & {});

/**
 * A technique that can be added to a pipeline and taken out again. Whatever it taps, provides or opens through its context is undone
 * when it is removed, so most plugins are a name and an `apply`.
 *
 * Options belong to the instance; state belongs to `apply`'s variables or to the run, never to the module.
 */
export interface Plugin {
  /** Unique in a pipeline, with its author as prefix: `thimble:model-offload`. */
  readonly name: string;
  /** The versions of `@thimble/core` it was written for, as a semver range. */
  readonly engines?: { readonly thimble: string } | undefined;
  /** What it alone may own. */
  readonly claims?: readonly Claim[] | undefined;
  /** Names of plugins that must be installed before it, and cannot be removed before it. */
  readonly requires?: readonly string[] | undefined;
  /** Whether one instance may be in several pipelines at once: it keeps no state outside `apply`. Default false. */
  readonly multiple?: boolean | undefined;
  /** Installs it. Runs again if it is removed and used again. If it throws, everything done through `ctx` is undone. */
  apply(ctx: PluginContext): void | Promise<void>;
}
