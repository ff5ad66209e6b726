import type { Quality } from '@thimble/planner';
import type { Size } from '../generate/parseSize.js';

/** The options of `thimble plan`, as commander parsed them. */
export interface PlanFlags {
  readonly memoryLimit?: string;
  readonly size?: Size;
  readonly count?: number;
  readonly steps?: number;
  readonly guidance?: number;
  readonly quality?: Quality;
  readonly lora?: readonly string[];
  readonly svg?: string;
  readonly variant?: string;
  readonly revision?: string;
  readonly config?: string;
  readonly offline?: boolean;
  readonly json?: boolean;
}
