import type { Plugin } from '@thimble/core';
import type { RunShape } from '../model/RunShape.js';
import type { Quality, Setup } from './Setup.js';

/** A technique that the planner knows: a row of {@link techniques}. */
export interface Technique {
  /** What it is called in plans. */
  readonly title: string;
  /** The name of its plugin, such as `thimble:sequential-offload`: where a user has installed it, it is planned around. */
  readonly plugin: string;
  /** What its plugin alone may own; see `Plugin.claims`. */
  readonly claims?: readonly string[];
  readonly quality: Quality;
  /** What it changes. Two techniques that change the same do not go together. */
  readonly setup: Partial<Setup>;
  /** What its plugin changes where the user has installed it, with options of their own. Default: as `setup` says. */
  readonly installed?: Partial<Setup>;
  /** Where it is of use. Default: everywhere. */
  readonly suits?: (run: RunShape) => boolean;
  /** Makes its plugin. Its package is loaded for that, and not before. */
  readonly create: () => Promise<Plugin>;
}
