import type { NamedStage } from './Stage.js';

/** Who taps a hook, and where in the order. */
export interface TapOptions {
  /** The tap's name: in errors, in listings, and in the `before` and `after` of others. */
  readonly name: string;
  /** A number, of which lower ones run first (see {@link Stage}); the name of a stage; or a stage and where it lies among others. Default 0. */
  readonly stage?: number | string | NamedStage | undefined;
  /** Taps, by their name, their plugin's or their stage's, that this one runs before, whatever their stage. Unknown names are ignored. */
  readonly before?: string | readonly string[] | undefined;
  /** As `before`, for those that this one runs after. */
  readonly after?: string | readonly string[] | undefined;
  /** The plugin that owns the tap. Set by the plugin's context; an application leaves it out. */
  readonly plugin?: string | undefined;
}
