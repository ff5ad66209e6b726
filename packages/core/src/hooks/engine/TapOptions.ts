/** Who taps a hook, and where in the order. */
export interface TapOptions {
  /** The tap's name: in errors, in listings, and in the `before` and `after` of others. */
  readonly name: string;
  /** Lower stages run first; see {@link Stage}. Default 0. */
  readonly stage?: number;
  /** Taps, by their name or their plugin's, that this one runs before, whatever their stage. Unknown names are ignored. */
  readonly before?: string | readonly string[];
  /** Taps, by their name or their plugin's, that this one runs after, whatever their stage. Unknown names are ignored. */
  readonly after?: string | readonly string[];
  /** The plugin that owns the tap. Set by the plugin's context; an application leaves it out. */
  readonly plugin?: string;
}
