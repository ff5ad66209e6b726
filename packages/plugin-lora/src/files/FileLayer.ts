import type { TensorView } from '@thimble/core/plugin';
import type { Delta } from '../deltas/Delta.js';

/** What a file does to one layer. */
export interface FileLayer {
  /** What the file calls it. */
  readonly name: string;
  readonly delta: Delta;
  /** What the change is multiplied with beside the LoRA's scale: alpha / rank. */
  readonly factor: number;
  /** DoRA: the length that each row (output) of the changed weight is brought to. */
  readonly magnitude?: TensorView | undefined;
}
