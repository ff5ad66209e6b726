/** Where {@link Device.optimize} writes an optimised graph. */
export interface OptimizationTarget {
  /** An empty folder, absolute, with no symbolic link in it. */
  readonly folder: string;
  /** Whether weights are written too, in the order in which this processor's kernels read them and as float32. */
  readonly prepack: boolean;
}

/** The file of an optimised graph in its folder. */
export const OPTIMIZED_GRAPH = 'model.onnx';

/** The file of its weights in its folder, where it has some of its own: prepacked ones, or those of a channels-last layout. */
export const OPTIMIZED_WEIGHTS = 'weights.bin';
