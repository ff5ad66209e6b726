import type { Graph } from '../graph/Graph.js';
import { serializeOnnx } from '../graph/onnx/serializeOnnx.js';
import type { SegmentProgram } from './ComponentSegment.js';

/** What a segment runs of a graph that is lowered and bound. */
export function programOf(lowered: Graph): SegmentProgram {
  const sources = lowered.weights.flatMap((weight) => (weight.source === undefined ? [] : [weight.source]));
  return {
    model: serializeOnnx(lowered),
    ranges: [
      ...new Map(sources.map((source) => [`${source.offset} ${source.byteLength} ${source.file}`, source])).values(),
    ],
    halfInputs: lowered.inputs.filter(({ type }) => type === 'float16').map(({ name }) => name),
  };
}
