import type { Tensor } from 'onnxruntime-common';
import { cutByWeights, type GraphPart, type WeightCut } from '../graph/cutByWeights.js';
import type { Graph } from '../graph/Graph.js';
import { serializeOnnx, sessionModeOf } from '../graph/onnx/serializeOnnx.js';
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

/** How a segment is compiled. */
export interface SegmentCompilation {
  /** In parts whose weights are read as they are needed. */
  readonly cut?: WeightCut | undefined;
  /** Nobody reads the whole of what is in parts: it is left out. */
  readonly partsAlone?: boolean | undefined;
}

/** What a segment runs of a graph that is lowered and bound. */
export function compileSegment(lowered: Graph, { cut, partsAlone = false }: SegmentCompilation = {}): CompiledSegment {
  const sources = lowered.weights.flatMap((weight) => (weight.source === undefined ? [] : [weight.source]));
  return {
    model: modelOf(lowered, cut, partsAlone),
    ranges: [
      ...new Map(sources.map((source) => [`${source.offset} ${source.byteLength} ${source.file}`, source])).values(),
    ],
    halfInputs: lowered.inputs.filter(({ type }) => type === 'float16').map(({ name }) => name),
    feeds: new Map(lowered.inputs.flatMap(({ name, feed }) => (feed === undefined ? [] : [[name, feed] as const]))),
  };
}

/** Whether two segments run the same, of the same weights. */
export function sameProgram({ model: a }: CompiledSegment, { model: b }: CompiledSegment): boolean {
  if (a === b) return true;
  const [ones, others] = [a.parts ?? [], b.parts ?? []];
  return (
    Buffer.compare(a.bytes, b.bytes) === 0 &&
    ones.length === others.length &&
    ones.every((part, i) => samePart(part, others[i] as OnnxPart))
  );
}

function samePart(a: OnnxPart, b: OnnxPart): boolean {
  return Buffer.compare(a.bytes, b.bytes) === 0 && JSON.stringify(a.weights) === JSON.stringify(b.weights);
}

function modelOf(lowered: Graph, cut: WeightCut | undefined, partsAlone: boolean): OnnxModel {
  const mode = sessionModeOf(lowered);
  if (cut === undefined || mode !== 'mapped') return serializeOnnx(lowered);
  const parts = partsOf(lowered, cut);
  return partsAlone
    ? { name: lowered.name, bytes: new Uint8Array(), mode, parts }
    : { ...serializeOnnx(lowered), parts };
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
