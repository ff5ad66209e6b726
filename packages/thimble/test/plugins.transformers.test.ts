import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DiffusionPipeline, type GenerateOptions, type PluginHandle } from '@thimble/core';
import { distance, type PluginKind, pluginKinds } from './support/PluginKind.js';
import { rememberSessions } from './support/rememberSessions.js';
import { temporaryFolder } from './support/temporaryFolder.js';

jest.setTimeout(120_000);

const folder = temporaryFolder();
const KINDS: Readonly<Record<string, PluginKind>> = pluginKinds(folder);
/** What changes pictures, and by how much at most on average (values 0 to 1), at these random weights. */
const CHANGING: Readonly<Record<string, number>> = { fp8: 0.15, int8: 0.02, 'int8 computation': 0.05 };

/** A row for each pipeline of transformers: its checkpoint, and the options of a run. */
const MODELS: readonly (readonly [title: string, checkpoint: string, options: GenerateOptions])[] = [
  // With guidance, so that one call has captions of different lengths.
  ['Z-Image', 'z-image-tiny', { width: 64, height: 48, numInferenceSteps: 2, guidanceScale: 3 }],
  [
    'FLUX.2 klein',
    'flux2-klein-tiny',
    { width: 48, height: 32, numInferenceSteps: 1, maxSequenceLength: 40, textEncoderOutLayers: [1, 2, 4] },
  ],
  [
    'Stable Diffusion 3',
    'sd3-tiny',
    { width: 48, height: 32, numInferenceSteps: 1, guidanceScale: 3, maxSequenceLength: 8 },
  ],
  ['FLUX.1', 'flux-schnell-tiny', { width: 48, height: 32, numInferenceSteps: 1, maxSequenceLength: 8 }],
];

const PROMPT =
  'two green pears on a wooden table, with soft morning light, a blue cloth, an old knife, and a glass of cold water';

beforeAll(() => {
  rememberSessions();
  process.env['THIMBLE_CACHE'] = `${folder}/cache`;
});
afterAll(() => {
  jest.restoreAllMocks();
  delete process.env['THIMBLE_CACHE'];
});

describe.each(MODELS)('%s', (_title, checkpoint, options) => {
  let pipe: DiffusionPipeline;
  let plain: Float32Array;

  beforeAll(async () => {
    const path = fileURLToPath(new URL(`../../core/test/fixtures/${checkpoint}`, import.meta.url));
    pipe = await DiffusionPipeline.fromPretrained(path, { deviceOptions: { inline: true, threads: 1 } });
    plain = await picture();
  });
  afterAll(async () => pipe.dispose());

  async function picture(): Promise<Float32Array> {
    const { images } = await pipe.generate(PROMPT, { ...options, seed: 7, outputType: 'tensor' });
    return images.data as Float32Array;
  }

  async function pictureWith(names: readonly string[]): Promise<Float32Array> {
    const handles: PluginHandle[] = [];
    for (const each of names) handles.push(await pipe.use(KINDS[each]!.create()));
    try {
      return await picture();
    } finally {
      for (const handle of handles) await handle.remove();
    }
  }

  test.each(Object.keys(KINDS))('%s: the same picture, and nothing is left of it', async (kind) => {
    const made = await pictureWith([kind]);
    const most = CHANGING[kind];
    if (most === undefined) expect(distance(made, plain)).toBeLessThanOrEqual(KINDS[kind]!.tolerance);
    else {
      expect(meanDistance(made, plain)).toBeGreaterThan(1e-5);
      expect(meanDistance(made, plain)).toBeLessThan(most);
    }
    expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
    expect((await pipe.device.usage()).tensors).toBe(0);
  });

  test('all that can be together: as those alone that change the picture', async () => {
    const others = ['sequential offload', 'tiling', 'flash attention', 'tracing'];
    const [together, alone] = [await pictureWith(['fp8', ...others]), await pictureWith(['fp8'])];
    const most = others.reduce((sum, each) => sum + KINDS[each]!.tolerance, 0);
    expect(distance(together, alone)).toBeLessThanOrEqual(most);
  });

  // One picture for all: a trace of any of them would show in it.
  test('without them it is the very same picture again', async () => {
    expect(await picture()).toEqual(plain);
  });
});

function meanDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + Math.abs(x - b[i]!), 0) / a.length;
}
