import type { ConvertDtype } from '@thimble/core';

/** The options of `thimble convert`, as commander parsed them. */
export interface ConvertFlags {
  readonly singleFile?: boolean;
  readonly diffusers?: boolean;
  readonly dtype?: ConvertDtype;
  readonly variant?: string;
  readonly revision?: string;
  readonly config?: string;
  readonly offline?: boolean;
  readonly allowSymlinks?: boolean;
  readonly quiet?: boolean;
}
