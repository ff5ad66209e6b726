import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DiffusionPipeline, type GenerateOptions } from '@thimble/core';
import { distance, type PluginKind, pluginKinds } from './support/PluginKind.js';
import { rememberSessions } from './support/rememberSessions.js';
import { temporaryFolder } from './support/temporaryFolder.js';

// Every plugin alone on a pipeline with two text encoders, whose UNet takes more than tokens. What plugins do with one another does not depend on that.
jest.setTimeout(120_000);

const BASE = fileURLToPath(new URL('../../core/test/fixtures/sdxl-tiny', import.meta.url));
const OPTIONS = {
  width: 64,
  height: 48,
  numInferenceSteps: 2,
  seed: 7,
  outputType: 'tensor',
  negativePrompt: 'fog',
} as const satisfies GenerateOptions;
const folder = temporaryFolder();
const all = pluginKinds(folder);
/** With fewer channels less averages out than in the other matrix: for what rounds weights the largest distance that was measured, and a tenth. */
const KINDS: Readonly<Record<string, PluginKind>> = {
  ...all,
  fp8: { ...all['fp8']!, tolerance: 0.7 },
  int8: { ...all['int8']!, tolerance: 0.23 },
  'int8 computation': { ...all['int8 computation']!, tolerance: 0.4 },
  'token merging': { ...all['token merging']!, tolerance: 0.86 },
};

let pipe: DiffusionPipeline;
let plain: Float32Array;
let most: ReadonlySet<string>;

beforeAll(async () => {
  rememberSessions();
  process.env['THIMBLE_CACHE'] = `${folder}/cache`;
  pipe = await DiffusionPipeline.fromPretrained(BASE, { deviceOptions: { inline: true, threads: 1 } });
  plain = await picture();
});
afterAll(async () => {
  await pipe.dispose();
  jest.restoreAllMocks();
  delete process.env['THIMBLE_CACHE'];
});

/** Also notes what was loaded while a model ran. */
async function picture(): Promise<Float32Array> {
  const loaded = new Set<string>();
  using tap = pipe.hooks.afterModelCall.tap('test', () => {
    const names = Object.values(pipe.components)
      .filter(({ residentBytes }) => residentBytes > 0)
      .map(({ name }) => name);
    loaded.add(names.join(' '));
  });
  void tap;
  const { images } = await pipe.generate('a red fox', OPTIONS);
  most = loaded;
  return images.data as Float32Array;
}

test.each(Object.keys(KINDS))('%s, and nothing of it once it is removed', async (name) => {
  const { create, tolerance } = KINDS[name]!;
  const plugin = await pipe.use(create());
  try {
    expect(distance(await picture(), plain)).toBeLessThanOrEqual(tolerance);
    if (name === 'model offload') expect([...most].sort()).toEqual(['text_encoder', 'text_encoder_2', 'unet', 'vae']);
  } finally {
    await plugin.remove();
  }
  expect(await picture()).toEqual(plain);
  expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
});

test('what stores less and computes in less leaves both text encoders as they are, unless told otherwise', async () => {
  const types = (name: string): string[] => [
    ...new Set(
      pipe.components[name]!.model.parameters.map(({ key }) => pipe.components[name]!.weights.find(key)!.dtype),
    ),
  ];
  for (const kind of ['fp8', 'int8']) {
    const plugin = await pipe.use(KINDS[kind]!.create());
    await picture();
    expect(types('unet')).not.toEqual(['F32']);
    for (const name of ['text_encoder', 'text_encoder_2', 'vae']) expect(types(name)).toEqual(['F32']);
    await plugin.remove();
  }
});
