import type { ExecutionProvider } from '../../device/ExecutionProvider.js';
import type { FileRange } from '../../device/FileRange.js';
import type { OnnxModel } from '../../device/OnnxModel.js';
import type { OptimizationTarget } from '../../device/OptimizationTarget.js';

/** A segment's finished graph, before it is loaded for the first time. */
export interface SegmentPreparation {
  /** The component's name in the pipeline: `unet`. */
  readonly component: string;
  /** The segment's dotted name: `mid_block.attentions.0`. */
  readonly segment: string;
  /** Where it will run. */
  readonly provider: ExecutionProvider;
  /** What will be loaded. Replaceable. */
  model: OnnxModel;
  /** Where its weights lie: what reading ahead reads. Replaceable, with the model. */
  ranges: readonly FileRange[];
  /** That of the call for which it is loaded. */
  readonly signal?: AbortSignal | undefined;
  /** Has the device optimise a graph and write it to a folder. */
  readonly optimize: (model: OnnxModel, target: OptimizationTarget) => Promise<void>;
}
