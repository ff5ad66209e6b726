import type { Model } from '../../models/Model.js';

/** Whose weights are being bound. */
export interface WeightsContext {
  /** The component's name in the pipeline: `unet`. */
  readonly component: string;
  /** What it computes; its parameters are the keys that are looked for. */
  readonly model: Model;
}
