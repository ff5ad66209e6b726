/** What only one plugin of a pipeline may own. `residency`: which weights are in memory when. Others may be made up. */
export type Claim = 'residency' | (string & {});

/** What a plugin says of itself. */
export interface PluginIdentity {
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
  /** What it does to results: nothing but the rounding of floats ('exact'), what is hard to see ('near'), or it gives others ('lossy'). Not known where it says nothing. */
  readonly quality?: 'exact' | 'near' | 'lossy' | undefined;
}

/** A plugin as another one installs it. */
export interface UsablePlugin extends PluginIdentity {
  apply(ctx: never): void | Promise<void>;
}

/** One installed plugin as others see it. */
export interface PluginRecord {
  readonly plugin: PluginIdentity;
  readonly name: string;
  /**
   * Takes the plugin out of the pipeline; nothing if it is out already.
   *
   * @throws ThimbleError as `pipe.remove` does.
   */
  remove(): Promise<void>;
}
