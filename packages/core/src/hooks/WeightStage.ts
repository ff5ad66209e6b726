/**
 * Stages of the `transformWeights` taps of the official plugins: each layer is made of what lies below it, so that a cast sees what was merged. Any number
 * between them is a stage too.
 */
export const WeightStage = {
  /** Other values: adapters merged into weights. */
  Merge: 100,
  /** The same values, stored otherwise: layerwise casting. */
  Cast: 200,
} as const;
