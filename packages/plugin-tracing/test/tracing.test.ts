import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  existsSync,
  cpSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Component, DiffusionPipeline, type Tensor, ThimbleError } from '@thimble/core';
import { InlineDevice, overlay, runtimeIdentity } from '@thimble/core/plugin';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { benchmark, exampleInputs, trace, TracedModel, TracingPlugin, type TracingOptions } from '../src/index.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));
const SIZES = { height: 16, width: 16 };
/** A smaller checkpoint than the fixtures: what these tests show does not depend on the size. */
const SMALL = fileURLToPath(new URL('../../plugin-testkit/checkpoint', import.meta.url));
let folder: string;
let pipes: DiffusionPipeline[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-test-'));
  pipes = [];
});
afterEach(async () => {
  for (const pipe of pipes) await pipe.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function open(
  model = SMALL,
  options: Parameters<typeof DiffusionPipeline.fromPretrained>[1] = {},
): Promise<DiffusionPipeline> {
  const pipe = await DiffusionPipeline.fromPretrained(model.includes('/') ? model : fixture(model), {
    deviceOptions: { inline: true, threads: 1 },
    ...options,
  });
  pipes.push(pipe);
  return pipe;
}

const unetOf = (pipe: DiffusionPipeline): DiffusionPipeline['components'][string] => pipe.components['unet']!;
const inputsOf = (pipe: DiffusionPipeline, batch = 2): Record<string, Tensor> =>
  exampleInputs(unetOf(pipe), { batch, sizes: SIZES });
const dataOf = (tensors: Record<string, Tensor>): Float32Array => tensors['sample']!.data as Float32Array;

async function picture(pipe: DiffusionPipeline): Promise<Float32Array> {
  return (await pipe.generate('a red fox', { numInferenceSteps: 2, seed: 7, outputType: 'tensor' })).images
    .data as Float32Array;
}

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);
}

/** Counts what a device optimises. */
function countOptimizations(): jest.SpiedFunction<InlineDevice['optimize']> {
  return jest.spyOn(InlineDevice.prototype, 'optimize').mockClear();
}

describe.each([
  ['graphs', false, SMALL, {}],
  ['prepacked', true, SMALL, {}],
  ['prepacked f16 weights', true, 'sd-tiny-f16', { variant: 'fp16' }],
])('a trace of %s', (_, prepack, model, options) => {
  test('is made, saved, loaded elsewhere without optimising, and put in the place of the component', async () => {
    const optimize = countOptimizations();
    const pipe = await open(model, options);
    const inputs = inputsOf(pipe);
    const plain = dataOf(await unetOf(pipe).call(inputs));
    await using traced = await trace(unetOf(pipe), inputs, { prepack });
    expect(optimize).toHaveBeenCalledTimes(unetOf(pipe).segments.length);
    expect(distance(dataOf(await traced.call(inputs)), plain)).toBeLessThan(5e-5);
    const dir = join(folder, 'unet_traced');
    await traced.save(dir);
    await traced.save(dir);
    expect(existsSync(join(dir, 'conv_in', 'weights.bin'))).toBe(prepack);
    expect(readdirSync(folder)).toEqual(['unet_traced']);

    optimize.mockClear();
    const other = await open(model, options);
    const original = unetOf(other);
    await original.load();
    other.replace('unet', await TracedModel.load(dir));
    expect(unetOf(other)).not.toBe(original);
    await unetOf(other).load();
    const used = await other.device.usage();
    expect(dataOf(await unetOf(other).call(inputs))).toEqual(dataOf(await traced.call(inputs)));
    expect({ loaded: original.loaded, usage: await other.device.usage() }).toEqual({ loaded: false, usage: used });
    expect(optimize).not.toHaveBeenCalled();
    other.components['unet'] = original;
    expect(dataOf(await unetOf(other).call(inputs))).toEqual(plain);
  });
});

test('a traced UNet generates, with the hooks of the pipeline around it', async () => {
  const pipe = await open();
  const plain = await picture(pipe);
  const size = Number(unetOf(pipe).config['sample_size']);
  const inputs = exampleInputs(unetOf(pipe), { sizes: { height: size, width: size } });
  const traced = await trace(unetOf(pipe), inputs, { dir: join(folder, 't') });
  // Assigning, as JavaScript does it: pipe.components.unet = traced.
  Object.assign(pipe.components, { unet: traced });
  expect(unetOf(pipe)).toBe(traced.component);
  const called: string[] = [];
  pipe.hooks.beforeModelCall.tap(
    'watch',
    ({ component, handle }) => void called.push(`${component} ${handle === pipe.components[component]}`),
  );
  expect(distance(await picture(pipe), plain)).toBeLessThan(5e-5);
  expect(called.filter((call) => call.startsWith('unet'))).toEqual(['unet true', 'unet true']);
});

test('a VAE decodes by its trace', async () => {
  const pipe = await open();
  const vae = pipe.components['vae']!;
  const inputs = exampleInputs(vae, { entry: 'decode', batch: 1, sizes: { latentHeight: 6, latentWidth: 5 } }) as {
    z: Tensor;
  };
  const plain = (await vae.decode(inputs)).sample.data as Float32Array;
  const traced = pipe.replace('vae', await trace(vae, inputs, { entry: 'decode', dir: join(folder, 't') }));
  expect(distance((await traced.decode(inputs)).sample.data as Float32Array, plain)).toBeLessThan(5e-5);
  await expect(traced.encode({ x: inputs.z })).rejects.toMatchObject({
    code: expect.stringMatching(/ERR_INPUT_INVALID|ERR_TRACE_MISMATCH/),
  });
});

describe('a trace is refused', () => {
  const dir = (): string => join(folder, 't');
  /** The trace that all are made of. */
  let original: string;
  beforeAll(async () => {
    original = mkdtempSync(join(tmpdir(), 'thimble-test-'));
    pipes = [];
    const pipe = await open();
    await trace(unetOf(pipe), inputsOf(pipe), { dir: join(original, 't'), prepack: true });
    await pipe.dispose();
  });
  afterAll(() => rmSync(original, { recursive: true }));
  async function traceTiny(): Promise<DiffusionPipeline> {
    cpSync(join(original, 't'), dir(), { recursive: true });
    return open();
  }
  const edit = (change: (manifest: { runtime: { version: string; cpu: string } }) => void): void => {
    const path = join(dir(), 'trace.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { runtime: { version: string; cpu: string } };
    change(manifest);
    writeFileSync(path, JSON.stringify(manifest));
  };

  test('for another size', async () => {
    const pipe = await traceTiny();
    pipe.replace('unet', await TracedModel.load(dir()));
    await expect(unetOf(pipe).call(inputsOf(pipe, 1))).rejects.toMatchObject({
      code: 'ERR_TRACE_MISMATCH',
      message: expect.stringContaining('sample: float32 [2, 4, 16, 16]'),
    });
  });

  test('of another checkpoint, which differs by its numbers alone', async () => {
    await traceTiny();
    const copy = join(folder, 'copy');
    cpSync(SMALL, copy, { recursive: true });
    const file = join(copy, 'unet', 'diffusion_pytorch_model.safetensors');
    const bytes = readFileSync(file);
    bytes[bytes.length - 3]! ^= 1;
    writeFileSync(file, bytes);
    const pipe = await open(copy);
    pipe.replace('unet', await TracedModel.load(dir()));
    await expect(unetOf(pipe).call(inputsOf(pipe))).rejects.toMatchObject({
      code: 'ERR_TRACE_MISMATCH',
      details: { what: 'checkpoint' },
    });
  });

  test('where a plugin puts other weights in the place of those that it was made of', async () => {
    const pipe = await traceTiny();
    pipe.replace('unet', await TracedModel.load(dir()));
    const plain = dataOf(await unetOf(pipe).call(inputsOf(pipe)));
    const casting = await pipe.use(new LayerwiseCastingPlugin());
    await expect(unetOf(pipe).call(inputsOf(pipe))).rejects.toMatchObject({
      code: 'ERR_TRACE_MISMATCH',
      message: expect.stringMatching(/which a plugin made\. Remove the plugin/),
      details: { what: 'set of weights' },
    });
    await casting.remove();
    const swapped = pipe.hooks.transformWeights.tap('swapped', (below, { component }) => {
      if (component !== 'unet') return undefined;
      const [first, second] = ['1', '2'].map((i) => `down_blocks.0.resnets.0.norm${i}.weight`) as [string, string];
      return overlay(below, new Map([[first, below.find(second)!]]));
    });
    await expect(unetOf(pipe).call(inputsOf(pipe))).rejects.toMatchObject({
      code: 'ERR_TRACE_MISMATCH',
      details: { what: 'set of weights' },
    });
    swapped[Symbol.dispose]();
    expect(dataOf(await unetOf(pipe).call(inputsOf(pipe)))).toEqual(plain);
  });

  test('of another class of model', async () => {
    const pipe = await traceTiny();
    const traced = await TracedModel.load(dir());
    expect(() => pipe.replace('vae', traced)).toThrow(
      expect.objectContaining({
        code: 'ERR_TRACE_MISMATCH',
        details: expect.objectContaining({ what: 'model class' }),
      }),
    );
  });

  test('of another version of the runtime, or another processor', async () => {
    await traceTiny();
    edit((manifest) => {
      manifest.runtime.version = '1.2.3';
    });
    await expect(TracedModel.load(dir())).rejects.toMatchObject({
      code: 'ERR_TRACE_MISMATCH',
      details: { what: 'version of onnxruntime-node', traced: '1.2.3' },
    });
    edit((manifest) => {
      manifest.runtime = { ...runtimeIdentity(), cpu: 'arm64: neon' };
    });
    await expect(TracedModel.load(dir())).rejects.toMatchObject({
      code: 'ERR_TRACE_MISMATCH',
      details: { what: 'kind of processor', traced: 'arm64: neon' },
    });
  });

  test('that is damaged, or none at all', async () => {
    const pipe = await traceTiny();
    await expect(TracedModel.load(folder)).rejects.toMatchObject({ code: 'ERR_TRACE_INVALID' });
    const weights = join(dir(), 'conv_in', 'weights.bin');
    truncateSync(weights, statSync(weights).size - 1);
    pipe.replace('unet', await TracedModel.load(dir()));
    await expect(unetOf(pipe).call(inputsOf(pipe))).rejects.toMatchObject({
      code: 'ERR_TRACE_INVALID',
      message: expect.stringContaining('weights.bin'),
    });
  });

  test('while it belongs to no pipeline, and where it would replace other files', async () => {
    const pipe = await traceTiny();
    const traced = await TracedModel.load(dir());
    await expect(traced.call(inputsOf(pipe))).rejects.toMatchObject({
      code: 'ERR_TRACE_DETACHED',
      message: expect.stringContaining("pipe.replace('unet', traced)"),
    });
    await expect(traced.save(folder)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  });

  test('on a device whose graphs cannot be saved', async () => {
    const device = new InlineDevice({ provider: 'webgpu' });
    const pipe = await open();
    const elsewhere = Object.create(unetOf(pipe), { device: { value: device } }) as Component;
    await expect(trace(elsewhere, {})).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'device' },
    });
  });
});

test('an unsaved trace leaves no files behind', async () => {
  const temporary = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('thimble-trace-'));
  const before = temporary();
  const pipe = await open();
  const listeners = process.listenerCount('exit');
  {
    await using traced = await trace(unetOf(pipe), inputsOf(pipe));
    expect(temporary().length).toBe(before.length + 1);
    await traced.call(inputsOf(pipe));
  }
  expect(temporary()).toEqual(before);
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await expect(trace(unetOf(pipe), inputsOf(pipe), { signal: controller.signal })).rejects.toThrow('enough');
  expect(temporary()).toEqual(before);
  expect(process.listenerCount('exit')).toBe(listeners);
});

describe('a folder of the user’s', () => {
  const dir = (): string => join(folder, 'mine');
  const notes = (): string => join(dir(), 'notes.txt');

  test('that holds something else is refused before anything is done, and stays as it is', async () => {
    const optimize = countOptimizations();
    const pipe = await open();
    mkdirSync(dir());
    writeFileSync(notes(), 'mine');
    await expect(trace(unetOf(pipe), inputsOf(pipe), { dir: dir() })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'dir' },
    });
    expect(readdirSync(dir())).toEqual(['notes.txt']);
    expect(optimize).not.toHaveBeenCalled();
  });

  test('is what it was after an abort and a failure: empty, not there, or with its trace', async () => {
    const pipe = await open();
    const failing = async (signal?: AbortSignal): Promise<unknown> =>
      trace(unetOf(pipe), inputsOf(pipe), { dir: dir(), ...(signal && { signal }) }).catch((error: unknown) => error);
    countOptimizations().mockRejectedValueOnce(new Error('disk'));
    expect(await failing()).toMatchObject({ message: 'disk' });
    expect(readdirSync(folder)).toEqual([]);
    mkdirSync(dir());
    expect(await failing(AbortSignal.abort(new Error('enough')))).toMatchObject({ message: 'enough' });
    expect(readdirSync(dir())).toEqual([]);

    const traced = await trace(unetOf(pipe), inputsOf(pipe), { dir: dir() });
    writeFileSync(notes(), 'mine');
    const before = readdirSync(dir());
    expect(await failing(AbortSignal.abort(new Error('enough')))).toMatchObject({ message: 'enough' });
    expect(readdirSync(dir())).toEqual(before);
    await traced.call(inputsOf(pipe));

    // A new trace takes the old one's place, and leaves the rest.
    const vae = pipe.components['vae']!;
    const z = exampleInputs(vae, { entry: 'decode', batch: 1, sizes: { latentHeight: 6, latentWidth: 5 } });
    const decoder = await trace(vae, z, { entry: 'decode', dir: dir() });
    await decoder.component.decode(z as { z: Tensor });
    const now = readdirSync(dir());
    expect(now).toEqual(expect.arrayContaining(['notes.txt', 'trace.json']));
    expect(now).not.toContain('conv_in');
    const { segments } = JSON.parse(readFileSync(join(dir(), 'trace.json'), 'utf8')) as { segments: string[] };
    expect(now.toSorted()).toEqual([...segments, 'notes.txt', 'trace.json'].toSorted());
  });
});

describe.each([
  ['graphs', false, SMALL, {}],
  ['prepacked', true, 'sd-tiny-f16', { variant: 'fp16' }],
])('TracingPlugin, %s', (_, prepack, model, options) => {
  test('traces each size at its first use, finds it again, and leaves the same bits when it is removed', async () => {
    const optimize = countOptimizations();
    const pipe = await open(model, options);
    const plain = await picture(pipe);
    const plugin = await pipe.use(new TracingPlugin({ dir: folder, prepack }));
    const traced = await picture(pipe);
    expect(distance(traced, plain)).toBeLessThan(5e-5);
    const made = optimize.mock.calls.length;
    expect(readdirSync(folder).length).toBe(made);
    expect(await picture(pipe)).toEqual(traced);
    expect(optimize).toHaveBeenCalledTimes(made);
    await plugin.remove();
    expect(await picture(pipe)).toEqual(plain);

    optimize.mockClear();
    const other = await open(model, options);
    await other.use(new TracingPlugin({ dir: folder, prepack }));
    expect(await picture(other)).toEqual(traced);
    expect(optimize).not.toHaveBeenCalled();
    await unetOf(other).call(inputsOf(other, 1));
    // All but the time embedding, whose sizes are the same.
    expect(optimize).toHaveBeenCalledTimes(unetOf(other).segments.length - 1);
  });
});

test.each([false, true])('pipelines that share a cold folder make each trace once, prepacked: %s', async (prepack) => {
  const optimize = countOptimizations();
  const sharing = await Promise.all(
    [1, 2, 3].map(async () => open(SMALL, { plugins: [new TracingPlugin({ dir: folder, prepack })] })),
  );
  const inputs = inputsOf(sharing[0]!);
  const [first, ...others] = await Promise.all(sharing.map(async (pipe) => dataOf(await unetOf(pipe).call(inputs))));
  for (const other of others) expect(other).toEqual(first);
  const { length } = unetOf(sharing[0]!).segments;
  expect(optimize).toHaveBeenCalledTimes(length);
  expect(readdirSync(folder).length).toBe(length);
});

test('TracingPlugin makes damaged traces again, and traces only the components that are named', async () => {
  const optimize = countOptimizations();
  const pipe = await open(SMALL, {
    plugins: [new TracingPlugin({ dir: join(folder, 'new'), prepack: true, components: ['unet'] })],
  });
  const traced = await picture(pipe);
  const traces = readdirSync(join(folder, 'new'));
  expect(traces.every((name) => name.startsWith('unet.'))).toBe(true);
  for (const name of traces.slice(0, 3)) truncateSync(join(folder, 'new', name, 'model.onnx'), 10);
  optimize.mockClear();
  const other = await open(SMALL, {
    plugins: [new TracingPlugin({ dir: join(folder, 'new'), prepack: true, components: ['unet'] })],
  });
  expect(await picture(other)).toEqual(traced);
  expect(optimize).toHaveBeenCalledTimes(3);
  expect(readdirSync(join(folder, 'new')).toSorted()).toEqual(traces.toSorted());
});

test('a failed trace leaves nothing in the folder, and the next call tries again', async () => {
  const optimize = countOptimizations();
  optimize.mockRejectedValueOnce(new Error('disk'));
  const pipe = await open(SMALL, { plugins: [new TracingPlugin({ dir: folder })] });
  await expect(unetOf(pipe).call(inputsOf(pipe))).rejects.toThrow('disk');
  expect(readdirSync(folder)).toEqual([]);
  // What the runtime says of a disk that takes nothing is no fault of the plugin's.
  for (const said of ['failed to write external initializers to file: "x"', 'Protobuf serialization failed.']) {
    const details = { segment: 'unet', reason: 'its own words tell why' };
    optimize.mockRejectedValueOnce(new ThimbleError('ERR_RUNTIME_LOAD', details, { cause: new Error(said) }));
    await expect(unetOf(pipe).call(inputsOf(pipe))).rejects.toMatchObject({ code: 'ERR_FILE_ACCESS' });
    expect(readdirSync(folder)).toEqual([]);
  }
  await unetOf(pipe).call(inputsOf(pipe));
  expect(readdirSync(folder).length).toBe(unetOf(pipe).segments.length);
});

test('an abort while a graph is traced is the reason, and leaves nothing in the folder', async () => {
  const optimize = countOptimizations();
  const [abort, reason] = [new AbortController(), new Error('enough')];
  optimize.mockImplementationOnce(async () => {
    abort.abort(reason);
    throw reason;
  });
  const pipe = await open(SMALL, { plugins: [new TracingPlugin({ dir: folder })] });
  await expect(unetOf(pipe).call(inputsOf(pipe), { signal: abort.signal })).rejects.toBe(reason);
  expect(readdirSync(folder)).toEqual([]);
});

describe('weights that a plugin made', () => {
  const environment = process.env['THIMBLE_CACHE'];
  beforeEach(() => {
    process.env['THIMBLE_CACHE'] = join(folder, 'cache');
  });
  afterEach(() => {
    if (environment === undefined) delete process.env['THIMBLE_CACHE'];
    else process.env['THIMBLE_CACHE'] = environment;
  });

  test.each([
    ['float8_e4m3fn', false],
    ['float8_e4m3fn', true],
    ['int8', false],
    ['int8', true],
  ] as const)('are traced by TracingPlugin as %s, prepacked: %s', async (storageDtype, prepack) => {
    const optimize = countOptimizations();
    const tracing = { dir: join(folder, 'traces'), prepack, components: ['unet'] };
    const pipe = await open();
    const plain = await picture(pipe);
    const casting = await pipe.use(new LayerwiseCastingPlugin({ storageDtype }));
    const cast = await picture(pipe);
    expect(distance(cast, plain)).toBeGreaterThan(1e-3);
    await pipe.use(new TracingPlugin(tracing));
    const traced = await picture(pipe);
    expect(distance(traced, cast)).toBeLessThan(5e-5);

    optimize.mockClear();
    const other = await open(SMALL, {
      plugins: [new LayerwiseCastingPlugin({ storageDtype }), new TracingPlugin(tracing)],
    });
    expect(await picture(other)).toEqual(traced);
    expect(optimize).not.toHaveBeenCalled();
    await casting.remove();
    expect(distance(await picture(pipe), plain)).toBeLessThan(5e-5);
    expect(optimize).toHaveBeenCalled();
  });

  test('are read where they are, not where they were when the trace was made', async () => {
    const optimize = countOptimizations();
    const [old, now] = [join(folder, 'old'), join(folder, 'now')];
    const draw = async (place: string): Promise<Float32Array> => {
      process.env['THIMBLE_CACHE'] = join(place, 'cache');
      const pipe = await open(join(place, 'model'), {
        plugins: [
          new LayerwiseCastingPlugin(),
          new TracingPlugin({ dir: join(folder, 'traces'), components: ['unet'] }),
        ],
      });
      const drawn = await picture(pipe);
      await pipe.dispose();
      return drawn;
    };
    cpSync(SMALL, join(old, 'model'), { recursive: true });
    const first = await draw(old);
    cpSync(old, now, { recursive: true });
    const file = join(old, 'model', 'unet', 'diffusion_pytorch_model.safetensors');
    const { size } = statSync(file);
    rmSync(file);
    writeFileSync(file, Buffer.alloc(size, 0x11));
    optimize.mockClear();
    expect(await draw(now)).toEqual(first);
    expect(optimize).not.toHaveBeenCalled();
  });

  test('are refused by trace, which knows a checkpoint alone', async () => {
    const pipe = await open();
    await pipe.use(new LayerwiseCastingPlugin());
    const traced = trace(unetOf(pipe), inputsOf(pipe), { dir: join(folder, 't'), prepack: true });
    await expect(traced).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      message: expect.stringContaining('TracingPlugin'),
      details: { argument: 'component' },
    });
    expect(existsSync(join(folder, 't'))).toBe(false);
  });
});

test('measures with a warm-up, in experiments', async () => {
  let calls = 0;
  const component = { invoke: async () => ({ calls: void calls++ }) as never };
  const { experiments, first, median } = await benchmark(
    component,
    {},
    { warmUp: 2, experiments: 3, runsPerExperiment: 4 },
  );
  expect({ calls, shape: experiments.map((runs) => runs.length) }).toEqual({ calls: 14, shape: [4, 4, 4] });
  expect([first, median].every((time) => time >= 0)).toBe(true);
});

test('example inputs have the sizes of the guide', async () => {
  const pipe = await open();
  expect(Object.values(exampleInputs(unetOf(pipe))).map(({ dims }) => dims)).toEqual([[2, 4, 8, 8], [1], [2, 77, 16]]);
  expect(() => exampleInputs(unetOf(pipe), { entry: 'decode' })).toThrow(
    expect.objectContaining({ code: 'ERR_ENTRY_UNKNOWN' }),
  );
});

test.each([
  [{}, 'dir'],
  [{ dir: '' }, 'dir'],
  [{ dir: 'x', prepack: 1 }, 'prepack'],
  [{ dir: 'x', components: 'unet' }, 'components'],
])('refuses %j', (options, argument) => {
  expect(() => new TracingPlugin(options as unknown as TracingOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
  );
});
