import { expect, test } from '@jest/globals';
import * as runtime from 'onnxruntime-node';
import { Graph, type GraphConstant } from '../../src/graph/Graph.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import { ONNX_TYPE } from '../../src/graph/operations.js';

test.each<GraphConstant['type']>(['float32', 'float16', 'int64', 'int32', 'int16', 'uint8'])(
  'a constant of %s is what it says',
  async (type) => {
    const data = type === 'uint8' ? [0, 127, 128, 255] : [0, 1, -2, 300];
    const attributes = { to: { int: ONNX_TYPE.float32 } };
    const graph = new Graph({
      name: 'g',
      inputs: [],
      outputs: [{ name: 'y', type: 'float32', rank: 1 }],
      nodes: [{ op: 'Cast', domain: '', name: 'n', inputs: ['c'], outputs: ['y'], attributes }],
      constants: [{ name: 'c', type, dims: [4], data }],
      weights: [],
      shapes: new Map(),
    });
    const session = await runtime.InferenceSession.create(serializeOnnx(graph).bytes);
    expect([...((await session.run({}))['y']!.data as Float32Array)]).toEqual(data);
    await session.release();
  },
);
