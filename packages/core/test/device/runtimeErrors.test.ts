import { afterEach, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { createDevice } from '../../src/device/createDevice.js';
import type { Device } from '../../src/device/Device.js';
import type { ExecutionProvider } from '../../src/device/ExecutionProvider.js';
import { mapRuntimeError } from '../../src/device/mapRuntimeError.js';
import type { OnnxModel } from '../../src/device/OnnxModel.js';
import type { ThimbleError } from '../../src/errors.js';
import { GraphBuilder } from '../../src/graph/GraphBuilder.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import { builderOf, matMul } from '../../src/graph/operations.js';
import { affineModel } from '../support/smallGraphs.js';

/** What only somebody who knows the runtime's sources understands. */
const RAW = /\.cc\b|\.cpp\b|onnxruntime::|std::|ONNXRuntimeError|0x[0-9a-f]{6}|protobuf|Status Message/;
const MANY = 2_000_000;
let device: Device;
afterEach(async () => {
  await device.dispose();
});

/** x [n, 1], z [1, m] → their product [n, m], which no machine has room for. */
function outerProduct(): OnnxModel {
  const builder = new GraphBuilder('outer');
  builder.output('y', matMul(builder.input('x', 'float32', [4, 1]), builder.input('z', 'float32', [1, 4])));
  return serializeOnnx(builder.build());
}

function unknownOperator(): OnnxModel {
  const builder = new GraphBuilder('unknown');
  const x = builder.input('x', 'float32', [3]);
  builder.output('y', builderOf(x).emit('NoSuchOperator', [x], { dims: [3] }, {}));
  return serializeOnnx(builder.build());
}

async function run(inputs: Readonly<Record<string, Tensor>>, model: OnnxModel): Promise<unknown> {
  const session = await device.load(model);
  const names = Object.keys(inputs);
  const step = {
    session,
    feeds: Object.fromEntries(names.map((name) => [name, name])),
    results: { y: 'y' },
    release: names,
  };
  return device.run({ inputs, steps: [step], outputs: { y: 'download' } });
}

const cut = (model: OnnxModel): OnnxModel => ({ ...model, bytes: model.bytes.subarray(0, model.bytes.length - 20) });
const ones = (dims: readonly number[]): Tensor => new Tensor('float32', new Float32Array(MANY), dims);

const FAILURES: readonly (readonly [string, ExecutionProvider, () => Promise<unknown>, object])[] = [
  [
    'a damaged graph',
    'cpu',
    async () => device.load(cut(affineModel())),
    { code: 'ERR_RUNTIME_LOAD', details: { segment: 'affine', reason: 'the graph is damaged' } },
  ],
  [
    'an operator that is none',
    'cpu',
    async () => device.load(unknownOperator()),
    {
      code: 'ERR_RUNTIME_LOAD',
      details: { segment: 'unknown', reason: expect.stringMatching(/no operator NoSuchOperator$/) },
    },
  ],
  [
    'an input of another type',
    'cpu',
    async () => run({ x: new Tensor('int64', BigInt64Array.of(1n), [1]) }, affineModel()),
    { code: 'ERR_RUNTIME_RUN', details: { reason: 'an input is int64 in place of float' } },
  ],
  [
    'more than there is memory for',
    'cpu',
    async () => run({ x: ones([MANY, 1]), z: ones([1, MANY]) }, outerProduct()),
    { code: 'ERR_OUT_OF_MEMORY', details: { segment: 'outer' } },
  ],
  [
    'a provider that is not there',
    'cuda',
    async () => device.load(affineModel()),
    { code: 'ERR_DEVICE_UNAVAILABLE', details: { provider: 'cuda', reason: 'its libraries are not installed' } },
  ],
];

describe.each([
  ['in a process', false],
  ['inline', true],
])('%s', (_where, inline) => {
  test.each(FAILURES)(
    "%s is told of in thimble's words, the runtime's are the cause",
    async (_what, provider, fail, expected) => {
      device = createDevice({ provider, inline });
      const error = (await fail().then(
        () => undefined,
        (thrown: unknown) => thrown,
      )) as ThimbleError | undefined;
      // The one provider of these that a machine may have.
      if (provider === 'cuda' && error === undefined) return;
      expect(error).toMatchObject(expected);
      expect(error!.message).not.toMatch(RAW);
      expect(JSON.stringify(error!.details)).not.toMatch(RAW);
      expect((error!.cause as Error).message.length).toBeGreaterThan(20);
    },
  );
});

test.each([
  [
    '/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library libonnxruntime_providers_shared.so',
    'ERR_DEVICE_UNAVAILABLE',
  ],
  [
    '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize() Failed to get a WebGPU adapter: No supported adapters',
    'ERR_DEVICE_UNAVAILABLE',
  ],
  ['std::bad_alloc', 'ERR_OUT_OF_MEMORY'],
  [
    "Non-zero status code returned while running Conv node. Name:'conv_in' Status Message: /onnxruntime_src/x.cc:12 std::vector",
    'ERR_RUNTIME_RUN',
  ],
  ['/onnxruntime_src/onnxruntime/core/x.cc:1 onnxruntime::What() nobody has seen this before', 'ERR_RUNTIME_RUN'],
])('%s', (text, code) => {
  const cause = new Error(text);
  const error = mapRuntimeError(cause, 'run', 'unet', 'webgpu');
  expect(error).toMatchObject({ code, cause });
  expect(error.message).not.toMatch(RAW);
});
