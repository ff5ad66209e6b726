import type { FileRange } from './FileRange.js';

/** A graph as the runtime takes it. */
export interface OnnxModel {
  /** What the graph is, for messages: a segment's dotted name. */
  readonly name: string;
  /** ONNX ModelProto; weights are external data. Empty where there are `parts` and nobody asked for the whole. */
  readonly bytes: Uint8Array;
  /** Absolute folder that the external data's locations are relative to; absent for a graph without weights. */
  readonly folder?: string;
  /** Default 'mapped'. */
  readonly mode?: SessionMode;
  /** The same graph in parts, which a device runs in its place where memory has no room for pages of mapped weights. */
  readonly parts?: readonly OnnxPart[];
}

/** A part of a graph that runs by itself, after those before it. */
export interface OnnxPart extends Pick<OnnxModel, 'bytes' | 'folder' | 'mode'> {
  /** Values that it reads, by their names in the whole graph; weights apart. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Inputs that are read from files before it runs. */
  readonly weights: readonly StreamedWeight[];
  /** Values that no later part needs. */
  readonly release: readonly string[];
}

/** A weight that is read from its file into a buffer each time that it is needed. */
export interface StreamedWeight extends FileRange {
  /** The graph's input. */
  readonly name: string;
  /** Element type. */
  readonly type: string;
  readonly dims: readonly number[];
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
