import type { Tensor } from 'onnxruntime-common';
import type { Graph } from '../graph/Graph.js';
import { serializeOnnx } from '../graph/onnx/serializeOnnx.js';
import type { FileRange } from '../device/FileRange.js';
import type { OnnxModel } from '../device/OnnxModel.js';

/** What a segment runs: a serialised graph, and where its weights lie. */
export interface CompiledSegment {
  readonly model: OnnxModel;
  /** Each counted once. */
  readonly ranges: readonly FileRange[];
  /** Inputs that it takes as float16. */
  readonly halfInputs?: readonly string[];
  /** Inputs that plugins have added, with what says what they are at a call. */
  readonly feeds?: ReadonlyMap<string, () => Tensor>;
}

/** What a segment runs of a graph that is lowered and bound. */
export function compileSegment(lowered: Graph): CompiledSegment {
  const sources = lowered.weights.flatMap((weight) => (weight.source === undefined ? [] : [weight.source]));
  return {
    model: serializeOnnx(lowered),
    ranges: [
      ...new Map(sources.map((source) => [`${source.offset} ${source.byteLength} ${source.file}`, source])).values(),
    ],
    halfInputs: lowered.inputs.filter(({ type }) => type === 'float16').map(({ name }) => name),
    feeds: new Map(lowered.inputs.flatMap(({ name, feed }) => (feed === undefined ? [] : [[name, feed] as const]))),
  };
}
