import type { SessionMode } from './SessionMode.js';

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
