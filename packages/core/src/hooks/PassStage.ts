/**
 * Stages of the `transformGraph` taps of the official plugins. The order is fixed, so that passes of independent plugins compose
 * the same way whatever the order in which they are installed. A pass without a stage sees the graph as the model wrote it.
 */
export const PassStage = {
  /** How weights are stored: layerwise casting. */
  Storage: 100,
  /** How attention is lowered. */
  Attention: 200,
  /** Memory layout of activations: channels last. */
  Layout: 300,
  /** Integer computation. */
  Int8: 400,
  /** Whole-graph optimisation, of everything before it. */
  Tracing: 500,
} as const;
