import type { HookName, Hooks } from '../hooks/manifest.js';

/** A pipeline's hooks as a plugin sees them: to tap, not to call. */
export type ScopedHooks = { readonly [Name in HookName]: Pick<Hooks[Name], 'tap'> };
