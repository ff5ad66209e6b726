import type { TapInfo } from './TapInfo.js';

/** One tap has run. */
export interface TapCall {
  readonly hook: string;
  readonly tap: TapInfo;
  /** Wall-clock time the tap took, in milliseconds. */
  readonly milliseconds: number;
  /** What the tap threw, if it did. */
  readonly error?: unknown;
}

/** Sees every tap that ran. What it throws is dropped: watching changes nothing. */
export type HookObserver = (call: TapCall) => void;
