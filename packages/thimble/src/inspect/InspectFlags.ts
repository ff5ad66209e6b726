import type { Size } from '../generate/parseSize.js';

/** The options of `thimble inspect`, as commander parsed them. */
export interface InspectFlags {
  readonly variant?: string;
  readonly revision?: string;
  readonly config?: string;
  readonly offline?: boolean;
  readonly allowSymlinks?: boolean;
  readonly segments?: boolean;
  readonly size?: Size;
  readonly int8?: boolean;
  readonly json?: boolean;
}
