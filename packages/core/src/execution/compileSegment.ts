import type { Tensor } from 'onnxruntime-common';
import { cutByWeights, type GraphPart, type WeightCut } from '../graph/cutByWeights.js';
import type { Graph } from '../graph/Graph.js';
import { serializeOnnx } from '../graph/onnx/serializeOnnx.js';
import type { FileRange } from '../device/FileRange.js';
import type { OnnxModel, OnnxPart } from '../device/OnnxModel.js';

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

/** What a segment runs of a graph that is lowered and bound; `cut`: in parts whose weights are read as they are needed. */
export function compileSegment(lowered: Graph, cut?: WeightCut): CompiledSegment {
  const sources = lowered.weights.flatMap((weight) => (weight.source === undefined ? [] : [weight.source]));
  const model = serializeOnnx(lowered);
  return {
    model: cut === undefined || model.mode !== 'mapped' ? model : { ...model, parts: partsOf(lowered, cut) },
    ranges: [
      ...new Map(sources.map((source) => [`${source.offset} ${source.byteLength} ${source.file}`, source])).values(),
    ],
    halfInputs: lowered.inputs.filter(({ type }) => type === 'float16').map(({ name }) => name),
    feeds: new Map(lowered.inputs.flatMap(({ name, feed }) => (feed === undefined ? [] : [[name, feed] as const]))),
  };
}

function partsOf(lowered: Graph, cut: WeightCut): readonly OnnxPart[] {
  return cutByWeights(lowered, cut).map(({ graph, streamed, release }: GraphPart) => {
    const weights = streamed.map(({ name, type, dims, source }) => {
      const { file, offset, byteLength } = source as FileRange;
      return { name, type, dims, file, offset, byteLength };
    });
    const fed = new Set(weights.map(({ name }) => name));
    const { bytes, folder, mode } = serializeOnnx(graph);
    return {
      bytes,
      ...(folder === undefined ? {} : { folder }),
      ...(mode === undefined ? {} : { mode }),
      inputs: graph.inputs.flatMap(({ name }) => (fed.has(name) ? [] : [name])),
      outputs: graph.outputs.map(({ name }) => name),
      weights,
      release,
    };
  });
}
