import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GraphBuilder } from '../../src/graph/GraphBuilder.js';
import * as core from '../../src/index.js';
import * as model from '../../src/model.js';
import * as plugin from '../../src/plugin.js';
import { CallsWithAnyValue } from '../support/CallsWithAnyValue.js';
import { fixturePath } from '../support/fixturePath.js';

/** Not called: onnxruntime's, and constructors of what only a factory makes (`fromConfig`, `fromPretrained`, `open`). */
const EXCLUDED: ReadonlySet<string> = new Set([
  'Tensor',
  'ThimbleError',
  'new Component',
  'new Pipeline',
  'new SafetensorsFile',
  ...Object.keys(core)
    .filter((name) => /Pipeline$|Model$|^Autoencoder|Tokenizer$/.test(name))
    .map((name) => `new ${name}`),
]);

/** Those that take something beside a value, or a graph. */
const OPERATIONS: ReadonlySet<string> = new Set(
  'add mul scale matMul gemm reshape transpose split slice gather averagePoolFrames cast expandRank resizeNearest upscaleNearest attention rmsNorm rotaryEmbedding'.split(
    ' ',
  ),
);
const PASSES: ReadonlySet<string> = new Set(
  'bindWeights chunkFeedForward freezeShapes lowerAttention peakBytes'.split(' '),
);

const QUICK = { numInferenceSteps: 1, width: 64, height: 64, outputType: 'tensor' } as const;

/** A run of it takes a fraction of what one of the fixtures' checkpoints takes, and hundreds of values are accepted. */
const SMALLEST = fileURLToPath(new URL('../../../plugin-testkit/checkpoint', import.meta.url));

const environment = { ...process.env };
const home = process.cwd();
let folder: string;
let calls: CallsWithAnyValue;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thimble-any-value-'));
  process.chdir(folder);
  Object.assign(process.env, { HF_HUB_OFFLINE: '1', HF_HOME: folder });
});
beforeEach(() => {
  calls = new CallsWithAnyValue(19, EXCLUDED);
});
afterAll(async () => {
  process.env = environment;
  process.chdir(home);
  await rm(folder, { recursive: true });
});

test('functions and classes that core exports throw nothing without a code', async () => {
  for (const [name, value] of Object.entries(core)) await calls.callExport(name, value);
  expect(calls.count).toBeGreaterThan(3000);
  expect(calls.uncoded).toEqual([]);
});

test.each([
  ['/plugin', plugin],
  ['/model', model],
])(
  'nor do those of core%s',
  async (_, entry) => {
    for (const [name, value] of Object.entries(entry)) await calls.callExport(name, value);
    expect(calls.count).toBeGreaterThan(3000);
    expect(calls.uncoded).toEqual([]);
  },
  120_000,
);

test('nor do operations on values, and passes on graphs', async () => {
  const builder = new GraphBuilder('graph');
  const x = builder.input('x', 'float32', [1, 4, 8, 8]);
  const after = async (given: unknown, entry: object, names: ReadonlySet<string>): Promise<void> => {
    for (const [name, call] of Object.entries(entry) as [string, (...all: unknown[]) => unknown][])
      if (names.has(name)) await calls.callMany(name, (...args) => call(given, ...args));
  };
  await after(x, model, OPERATIONS);
  builder.output('y', model.relu(x));
  await after(builder.build(), plugin, PASSES);
  await after(2 ** 30, plugin, new Set(['evenChunks']));
  expect(calls.count).toBeGreaterThan(1400);
  expect(calls.uncoded).toEqual([]);
});

test('nor do instances', async () => {
  const tokenizers = [
    await core.CLIPTokenizer.fromPretrained(join(fixturePath('sd-tiny'), 'tokenizer')),
    await core.T5Tokenizer.fromPretrained(join(fixturePath('cogvideox-tiny'), 'tokenizer')),
  ];
  for (const tokenizer of tokenizers) await calls.callMethods(tokenizer.constructor.name, tokenizer);
  await calls.callMethods('Image', new core.Image({ width: 1, height: 1, data: new Uint8Array(3) }));
  await calls.callMethods('TorchGenerator', new core.TorchGenerator(1));
  await calls.callMethods('BatchGenerator', new core.BatchGenerator([new core.TorchGenerator(1)]));
  for (const [name, Class] of Object.entries(core.schedulerRegistry))
    await calls.callMethods(name, Class.fromConfig({}), ['setTimesteps', 'step', 'addNoise']);
  expect(calls.count).toBeGreaterThan(3000);
  expect(calls.uncoded).toEqual([]);
});

test('nor does a pipeline', async () => {
  await using pipe = await core.DiffusionPipeline.fromPretrained(SMALLEST, {
    deviceOptions: { threads: 1 },
  });
  await calls.callMethods('pipe', pipe, ['decodeLatents', 'use', 'remove', 'createScheduler', 'replace']);
  await calls.callMany('pipe.generate', async (prompt, options) => pipe.generate(prompt as string, options ?? QUICK));
  for (const option of Object.keys(pipe.optionFields)) {
    const generate = async (value: unknown): Promise<unknown> =>
      pipe.generate('x', { ...QUICK, [option]: value } as object);
    await calls.callMany(`pipe.generate with ${option}`, generate, 0);
  }
  expect(calls.uncoded).toEqual([]);
}, 120_000);
