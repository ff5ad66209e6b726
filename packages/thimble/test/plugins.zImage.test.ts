import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type PluginHandle, ZImagePipeline } from '@thimble/core';
import { distance, type PluginKind, pluginKinds } from './support/PluginKind.js';
import { rememberSessions } from './support/rememberSessions.js';
import { temporaryFolder } from './support/temporaryFolder.js';

jest.setTimeout(120_000);

const folder = temporaryFolder();
const KINDS: Readonly<Record<string, PluginKind>> = pluginKinds(folder);
/** What changes pictures, and by how much at most on average (values 0 to 1), at these random weights. */
const CHANGING: Readonly<Record<string, number>> = { fp8: 0.15, int8: 0.02, 'int8 computation': 0.05 };

let pipe: ZImagePipeline;
let plain: Float32Array;

beforeAll(async () => {
  rememberSessions();
  process.env['THIMBLE_CACHE'] = `${folder}/cache`;
  const checkpoint = fileURLToPath(new URL('../../core/test/fixtures/z-image-tiny', import.meta.url));
  pipe = await ZImagePipeline.fromPretrained(checkpoint, { deviceOptions: { inline: true, threads: 1 } });
  plain = await picture();
});
afterAll(async () => {
  await pipe.dispose();
  jest.restoreAllMocks();
  delete process.env['THIMBLE_CACHE'];
});

/** With guidance, so that one call has captions of different lengths. */
async function picture(): Promise<Float32Array> {
  const { images } = await pipe.generate(
    'two green pears on a wooden table, with soft morning light, a blue cloth, an old knife, and a glass of cold water',
    { width: 64, height: 48, numInferenceSteps: 2, guidanceScale: 3, seed: 7, outputType: 'tensor' },
  );
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

function meanDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + Math.abs(x - b[i]!), 0) / a.length;
}
