import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DiffusionPipeline, type Plugin, type PluginHandle, Tensor } from '@thimble/core';
import {
  type DerivedWeights,
  DerivedWeightsCache,
  overlay,
  type PluginContext,
  prepareWeights,
  readTensor,
  readWeight,
  SafetensorsFile,
  type TensorToWrite,
  type TensorView,
  writeSafetensors,
} from '@thimble/core/plugin';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { Int8ComputePlugin } from '@thimble/plugin-int8';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { TracingPlugin } from '@thimble/plugin-tracing';
import { rememberSessions } from './support/rememberSessions.js';
import { temporaryFolder } from './support/temporaryFolder.js';

jest.setTimeout(240_000);

const folder = temporaryFolder();
/** What the test's plugin changes: a linear layer, a convolution and a bias. */
const CHANGED = /^mid_block\.(attentions\.0\.transformer_blocks\.0\.attn1\.to_q|resnets\.0\.conv1)\.(weight|bias)$/;

/** The same change, by a plugin and in a checkpoint. */
async function changed(view: TensorView): Promise<TensorToWrite> {
  const values = (await readWeight(view)).map((value, i) => value + 0.05 * Math.sin(i));
  return { dtype: 'F32', shape: view.shape, data: new Uint8Array(values.buffer) };
}

/** Changes weights as an adapter does: makes them of the layer below, at the stage where things are merged. */
class DeltaPlugin implements Plugin {
  readonly name = 'test:delta';

  async apply(context: PluginContext): Promise<void> {
    await prepareWeights<DerivedWeights>(context, {
      name: this.name,
      stage: { name: 'merge', before: 'cast' },
      chosen: () => Object.values(context.pipeline.components).filter(({ name }) => name === 'unet'),
      prepare: async (_component, below, signal) => {
        const views = [...below.keys()]
          .filter((key) => CHANGED.test(key))
          .map((key) => [key, below.find(key)!] as const);
        const tensors = new Map<string, TensorToWrite>();
        for (const [key, view] of views) tensors.set(key, await changed(view));
        const sources = views.map(([, view]) => view);
        return new DerivedWeightsCache().open({ name: 'test-delta/1', sources, tensors: () => tensors }, { signal });
      },
      layer: (below, { tensors }) => overlay(below, tensors),
    });
  }
}

const KINDS: Readonly<Record<string, () => Plugin>> = {
  delta: () => new DeltaPlugin(),
  fp8: () => new LayerwiseCastingPlugin(),
  int8: () => new LayerwiseCastingPlugin({ storageDtype: 'int8' }),
  computing: () => new Int8ComputePlugin({ minimumOperations: 0, force: true }),
  tracing: () => new TracingPlugin({ dir: join(folder, 'traces'), prepack: true }),
};
const SETS = [
  [],
  ['fp8'],
  ['int8'],
  ['computing'],
  ['tracing'],
  ['fp8', 'computing', 'tracing'],
  ['int8', 'computing', 'tracing'],
];

let pipe: DiffusionPipeline;
let other: DiffusionPipeline;
let plain: Float32Array;

beforeAll(async () => {
  rememberSessions();
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
  const copy = join(folder, 'checkpoint');
  cpSync(testCheckpoint, copy, { recursive: true });
  const path = join(copy, 'unet', 'diffusion_pytorch_model.safetensors');
  const { tensors } = await SafetensorsFile.open(path);
  const rewritten = new Map<string, TensorToWrite>();
  for (const [key, view] of tensors)
    rewritten.set(key, CHANGED.test(key) ? await changed(view) : { ...view, data: await readTensor(view) });
  expect([...tensors.keys()].filter((key) => CHANGED.test(key))).toHaveLength(3);
  await writeSafetensors(path, rewritten);
  pipe = await open(testCheckpoint);
  other = await open(copy);
  plain = await outputOf(pipe);
});
afterAll(async () => {
  await pipe.dispose();
  await other.dispose();
  jest.restoreAllMocks();
  delete process.env['THIMBLE_CACHE'];
});

async function open(checkpoint: string): Promise<DiffusionPipeline> {
  return DiffusionPipeline.fromPretrained(checkpoint, { deviceOptions: { inline: true, threads: 1 } });
}

async function outputOf({ components }: DiffusionPipeline): Promise<Float32Array> {
  const unet = components['unet']!;
  const { in_channels: channels, cross_attention_dim: features } = unet.config as Record<string, number>;
  const sample = Float32Array.from({ length: channels! * 64 }, (_, i) => Math.sin(i));
  const states = Float32Array.from({ length: 7 * features! }, (_, i) => Math.cos(i));
  const outputs = await unet.call({
    sample: new Tensor('float32', sample, [1, channels!, 8, 8]),
    timestep: new Tensor('int64', [500n], [1]),
    encoder_hidden_states: new Tensor('float32', states, [1, 7, features!]),
  });
  return outputs['sample']!.data as Float32Array;
}

async function picture(of: DiffusionPipeline): Promise<unknown> {
  const options = { width: 32, height: 32, numInferenceSteps: 2, seed: 3, outputType: 'tensor' as const };
  return (await of.generate('a red fox', options)).images.data;
}

async function install(into: DiffusionPipeline, names: readonly string[]): Promise<Map<string, PluginHandle>> {
  const handles = new Map<string, PluginHandle>();
  for (const name of names) handles.set(name, await into.use(KINDS[name]!()));
  return handles;
}

/** Orders in which each pair comes both ways round: begun at every place, forwards and backwards. */
function ordersOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const turned = items.map((_, i) => [...items.slice(i), ...items.slice(0, i)]);
  return items.length <= 2 ? turned : [...turned, ...turned.map((order) => order.toReversed())];
}

describe.each(SETS.map((set) => [set.join(', ') || 'nothing else', set] as const))(
  'a changed weight under %s',
  (_what, set) => {
    let want: Float32Array;
    let without: Float32Array;

    beforeAll(async () => {
      const handles = await install(other, set);
      want = await outputOf(other);
      for (const handle of handles.values()) await handle.remove();
      const here = await install(pipe, set);
      without = await outputOf(pipe);
      for (const handle of here.values()) await handle.remove();
      expect(want).not.toEqual(without);
    });

    test.each(ordersOf(['delta', ...set]).map((order) => [order]))(
      'gives what a checkpoint with that weight gives, installed as %j, and is off again bit for bit',
      async (order) => {
        const handles = await install(pipe, order);
        expect(await outputOf(pipe)).toEqual(want);
        await handles.get('delta')!.remove();
        expect(await outputOf(pipe)).toEqual(without);
        for (const name of order.toReversed()) await handles.get(name)!.remove();
        expect(await outputOf(pipe)).toEqual(plain);
        expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
      },
    );
  },
);

test('gives the pictures of such a checkpoint, all together', async () => {
  const names = ['tracing', 'computing', 'fp8'];
  const before = await picture(pipe);
  const there = await install(other, names);
  const want = await picture(other);
  for (const handle of there.values()) await handle.remove();
  const handles = await install(pipe, [...names, 'delta']);
  expect(await picture(pipe)).toEqual(want);
  for (const handle of handles.values()) await handle.remove();
  expect(await picture(pipe)).toEqual(before);
});
