import type { Plugin } from '@thimble/core';
import type { Quality } from './techniques/Setup.js';

/** One combination of techniques that a model can run with. */
export interface Alternative {
  /** What the techniques are called; empty for a pipeline without plugins. */
  readonly techniques: readonly string[];
  /** The names of their plugins. */
  readonly plugins: readonly string[];
  readonly quality: Quality;
  /** What both processes hold at their most, of memory that the system cannot take back, in bytes. */
  readonly peakBytes: number;
  /** Of a whole run. */
  readonly seconds: number;
  /** Whether the limit has room for it. */
  readonly fits: boolean;
}

/** Which plugins a run has, and what it takes with them. */
export interface Plan extends Omit<Alternative, 'plugins' | 'fits'> {
  /** Ready to be installed, in this order. */
  readonly plugins: readonly Plugin[];
  /** What it was made for, in bytes; `undefined` = no limit. */
  readonly limitBytes: number | undefined;
  /** The plan in words, a line for each thing that there is to say. */
  readonly lines: readonly string[];
  /** All combinations of the quality asked for, and of those above it; the fastest that fits first. */
  readonly alternatives: readonly Alternative[];
}
