/** A graph as the runtime takes it. */
export interface OnnxModel {
  /** What the graph is, for messages: a segment's dotted name. */
  readonly name: string;
  /** ONNX ModelProto; weights are external data. */
  readonly bytes: Uint8Array;
  /** Absolute folder that the external data's locations are relative to; absent for a graph without weights. */
  readonly folder?: string;
  /** Default 'mapped'. */
  readonly mode?: SessionMode;
}

/**
 * How a session treats its graph and weights:
 * - 'mapped': the graph is optimised at load; weights stay mapped from their files. The default.
 * - 'packed': so too, but kernels may take private copies of weights, in the order in which they read them.
 * - 'channels_last': so too, but convolutions run in the provider's channels-last layout; on the CPU that takes private copies of their weights, as float32.
 * - 'optimized': {@link Device.optimize} made the graph, and it is taken as it is.
 * - 'prepacked': so too, with weights in the order in which the kernels read them, mapped from the file that it wrote.
 */
export type SessionMode = 'mapped' | 'packed' | 'channels_last' | 'optimized' | 'prepacked';
