import type { ExecutionProvider } from '../../device/ExecutionProvider.js';
import type { InputShapes, Model } from '../../models/Model.js';

/** Which graph is being built. */
export interface GraphContext {
  /** The component's name in the pipeline: `unet`. */
  readonly component: string;
  /** What the component computes. */
  readonly model: Model;
  /** The segment's dotted name: `mid_block.attentions.0`. */
  readonly segment: string;
  /** Where it will run. */
  readonly provider: ExecutionProvider;
  /** What the component's entry point is called with, by name: types and sizes. Absent for a partial graph. */
  readonly inputs?: InputShapes;
  /** True for a piece that a plugin cut out of the component by itself, and runs at sizes of its own. */
  readonly partial?: boolean;
}
