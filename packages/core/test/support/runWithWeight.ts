import * as runtime from 'onnxruntime-node';
import type { Tensor } from 'onnxruntime-common';
import { sessionOptions } from '../../src/device/sessionOptions.js';
import { toFloat16, toFloat32 } from '../../src/execution/floatTensors.js';
import { type Attribute, type ElementType, Graph, type GraphWeight } from '../../src/graph/Graph.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import { computeInFloat16 } from '../../src/graph/passes/computeInFloat16.js';
import { splitWideWeights } from '../../src/graph/passes/splitWideWeights.js';
import { type WidenOptions, widenWeights } from '../../src/graph/passes/widenWeights.js';

/** A graph of one node that reads a weight. */
export interface WeightCase {
  readonly op: string;
  readonly x: Tensor | undefined;
  readonly weight: GraphWeight;
  readonly outDims: readonly number[];
  readonly attributes?: Record<string, Attribute>;
  readonly options?: WidenOptions;
  readonly budget?: number;
  readonly float16?: boolean;
}

/** Lowers the graph and runs it on the CPU. */
export async function run({
  op,
  x,
  weight,
  outDims,
  attributes = {},
  options = {},
  budget = Infinity,
  float16 = false,
}: WeightCase): Promise<{ y: Float32Array; nodes: number }> {
  const inputs = x === undefined ? [weight.name] : op === 'Gather' ? [weight.name, 'x'] : ['x', weight.name];
  const node = { op, domain: '', name: 'n', inputs, outputs: ['y'], attributes };
  const ports = x === undefined ? [] : [{ name: 'x', type: x.type as ElementType, rank: x.dims.length }];
  const shapes = new Map([['y', outDims], ...(x === undefined ? [] : [['x', x.dims] as const])]);
  const graph = new Graph({
    name: 'g',
    inputs: ports,
    outputs: [{ name: 'y', type: 'float32', rank: outDims.length }],
    nodes: [node],
    constants: [],
    weights: [weight],
    shapes,
  });
  const lowered = float16 ? computeInFloat16(graph) : widenWeights(splitWideWeights(graph, budget), options);
  const onnx = serializeOnnx(lowered);
  const session = await runtime.InferenceSession.create(onnx.bytes, sessionOptions(onnx, { provider: 'cpu' }));
  const { y } = await session.run(x === undefined ? {} : { x: float16 ? toFloat16(x) : x });
  await session.release();
  return { y: toFloat32(y!).data as Float32Array, nodes: lowered.nodes.length };
}

/** A tensor to multiply with. */
export function float32(data: Float32Array, dims: readonly number[]): Tensor {
  return new runtime.Tensor('float32', data, dims);
}
