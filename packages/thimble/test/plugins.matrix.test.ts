import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DiffusionPipeline, type Plugin, type PluginHandle } from '@thimble/core';
import { MemoryEfficientAttentionPlugin } from '@thimble/plugin-attention';
import { ChannelsLastPlugin } from '@thimble/plugin-channels-last';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { Int8ComputePlugin } from '@thimble/plugin-int8';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { TracingPlugin } from '@thimble/plugin-tracing';
import { VaeSlicingPlugin } from '@thimble/plugin-vae-slicing';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';
import { MODEL } from './support/CliRun.js';
import { temporaryFolder } from './support/temporaryFolder.js';

jest.setTimeout(240_000);

/** A way to compute the same. */
interface Kind {
  readonly create: () => Plugin;
  /** How far a picture (values 0 to 1) may be from that without it. */
  readonly tolerance: number;
  /** Weights are stored in less, so that pictures change: cells with it are held against it alone. */
  readonly storage?: true;
  /** Layers are computed from weights of its own, and small differences before them grow: cells with it are held against the plain picture. */
  readonly own?: true;
}

const folder = temporaryFolder();
const KINDS: Readonly<Record<string, Kind>> = {
  'model offload': { create: () => new ModelOffloadPlugin(), tolerance: 0 },
  'sequential offload': { create: () => new SequentialOffloadPlugin(), tolerance: 0 },
  slicing: { create: () => new VaeSlicingPlugin(), tolerance: 2e-5 },
  tiling: { create: () => new VaeTilingPlugin({ mode: 'seamless', budget: '1 MB' }), tolerance: 1e-4 },
  fp8: { create: () => new LayerwiseCastingPlugin(), tolerance: 0.35, storage: true },
  int8: { create: () => new LayerwiseCastingPlugin({ storageDtype: 'int8' }), tolerance: 0.05, storage: true },
  'int8 computation': { create: () => new Int8ComputePlugin({ minimumOperations: 0, force: true }), tolerance: 0.25, own: true },
  'flash attention': { create: () => new MemoryEfficientAttentionPlugin(), tolerance: 5e-5 },
  'sliced attention': { create: () => new MemoryEfficientAttentionPlugin({ backend: 'sliced', sliceSize: 1 }), tolerance: 5e-5 },
  'channels last': { create: () => new ChannelsLastPlugin(), tolerance: 5e-5 },
  tracing: { create: () => new TracingPlugin({ dir: `${folder}/traces`, prepack: true }), tolerance: 5e-5 },
};
const NAMES = Object.keys(KINDS);
/** Kinds of which a pipeline takes one. */
const RIVALS = [['model offload', 'sequential offload'], ['fp8', 'int8'], ['flash attention', 'sliced attention']];
const PAIRS = NAMES.flatMap((a, i) => NAMES.slice(i + 1).map((b) => [a, b] as const)).filter((pair) => !RIVALS.some((rivals) => pair.every((name) => rivals.includes(name))));

let pipe: DiffusionPipeline;
let plain: Float32Array;
const alone = new Map<string, Float32Array>();

beforeAll(async () => {
  process.env['THIMBLE_CACHE'] = `${folder}/cache`;
  pipe = await DiffusionPipeline.fromPretrained(MODEL, { deviceOptions: { inline: true } });
  plain = await picture();
  for (const [name, { storage, own }] of Object.entries(KINDS)) {
    if (storage === true || own === true) alone.set(name, await pictureWith([name]));
  }
});
afterAll(async () => {
  await pipe.dispose();
  delete process.env['THIMBLE_CACHE'];
});

async function picture(): Promise<Float32Array> {
  return (await pipe.generate(['a red fox', 'a cat'], { width: 32, height: 24, numInferenceSteps: 2, seed: 7, outputType: 'tensor' })).images.data as Float32Array;
}

async function pictureWith(names: readonly string[], removed: readonly string[] = names): Promise<Float32Array> {
  const handles = new Map<string, PluginHandle>();
  for (const name of names) handles.set(name, await pipe.use(KINDS[name]!.create()));
  try {
    return await picture();
  } finally {
    for (const name of removed) await handles.get(name)?.remove();
  }
}

function distance(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);
}

/** Together they give what they should, and removed in this order, nothing of them is left. */
async function check(names: readonly string[], removed: readonly string[]): Promise<void> {
  const made = await pictureWith(names, removed);
  const storage = names.find((name) => KINDS[name]!.storage);
  const others = names.filter((name) => name !== storage);
  const own = names.find((name) => KINDS[name]!.own);
  // Where the others change nothing, neither do they together with it.
  const base = own !== undefined && others.every((name) => name === own || KINDS[name]!.tolerance === 0) ? own : storage;
  const reference = (own === undefined || base === own ? alone.get(base ?? '') : undefined) ?? plain;
  const counted = names.filter((name) => reference === plain || name !== base);
  expect(distance(made, reference)).toBeLessThanOrEqual(counted.reduce((sum, name) => sum + KINDS[name]!.tolerance, 0));
  expect(pipe.plugins).toEqual([]);
  expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
  expect(await picture()).toEqual(plain);
}

test.each(NAMES)('%s alone', async (name) => {
  const made = await pictureWith([name]);
  expect(distance(made, plain)).toBeLessThanOrEqual(KINDS[name]!.tolerance);
  if (KINDS[name]!.storage === true || KINDS[name]!.own === true) expect(distance(made, plain)).toBeGreaterThan(1e-4);
  expect(await picture()).toEqual(plain);
});

describe.each(PAIRS)('%s and %s', (a, b) => {
  test.each([[[a, b], [a, b]], [[a, b], [b, a]], [[b, a], [b, a]]])('given as %j, removed as %j', check);
});

describe.each([
  ['sequential offload, fp8 and attention', ['sequential offload', 'fp8', 'flash attention']],
  ['all together', NAMES.filter((name) => !['model offload', 'int8', 'sliced attention'].includes(name))],
  ['all others together', NAMES.filter((name) => !['sequential offload', 'fp8', 'flash attention'].includes(name))],
])('%s', (_what, names) => {
  const middle = names.length / 2;
  test.each([[names, names], [names, names.toReversed()], [names, [...names.slice(middle), ...names.slice(0, middle)]]])('given as %j, removed as %j', check);
});
