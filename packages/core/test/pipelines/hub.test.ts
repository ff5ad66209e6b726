import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { fixturePath } from '../support/fixturePath.js';
import { FakeHub } from '../weights/FakeHub.js';
import { useTemporaryFolders } from '../weights/temporaryFolder.js';

const newFolder = useTemporaryFolders();
const VARIABLES = ['HF_ENDPOINT', 'HF_HOME', 'HF_HUB_CACHE', 'HF_TOKEN', 'HF_HUB_OFFLINE'];
const TINY = { width: 64, height: 64, numInferenceSteps: 1, seed: 1 };
let hub: FakeHub;
let saved: readonly (readonly [string, string | undefined])[];

beforeEach(async () => {
  saved = VARIABLES.map((name) => [name, process.env[name]] as const);
  for (const name of VARIABLES) delete process.env[name];
  hub = new FakeHub();
  await hub.start();
  process.env['HF_HOME'] = await newFolder();
  process.env['HF_ENDPOINT'] = hub.endpoint;
  const folder = fixturePath('sd2-tiny');
  for (const file of await readdir(folder, { recursive: true })) {
    if (file.startsWith('case.') || !/\.\w+$/.test(file)) continue;
    hub.add(file, await readFile(join(folder, file)), file.endsWith('.safetensors'));
  }
});

afterEach(async () => {
  for (const [name, value] of saved) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await hub.stop();
});

test('a checkpoint of the hub is downloaded once, generates, and equals the folder it came from', async () => {
  const loaded: number[] = [];
  const options = {
    deviceOptions: { inline: true, threads: 1 },
    onProgress: (event: { type: string; loaded?: number }) =>
      void (event.type === 'download' && loaded.push(event.loaded as number)),
  };
  await using downloaded = await DiffusionPipeline.fromPretrained('owner/tiny', options);
  expect(loaded.length).toBeGreaterThan(3);
  expect(hub.fetched).toContain('unet/diffusion_pytorch_model.safetensors');
  const asked = hub.requests.length;
  process.env['HF_HUB_OFFLINE'] = '1';
  await using cached = await DiffusionPipeline.fromPretrained('owner/tiny', {
    deviceOptions: { inline: true, threads: 1 },
  });
  expect(hub.requests).toHaveLength(asked);
  await using local = await DiffusionPipeline.fromPretrained(fixturePath('sd2-tiny'), {
    deviceOptions: { inline: true, threads: 1 },
  });
  const [a, b, c] = await Promise.all(
    [downloaded, cached, local].map(async (pipe) => (await pipe.generate('a cat', TINY)).images[0]?.data),
  );
  expect(Buffer.compare(a as Uint8Array, c as Uint8Array)).toBe(0);
  expect(Buffer.compare(b as Uint8Array, c as Uint8Array)).toBe(0);
});

test('a model that the hub does not have is a typed error, and leaves nothing running', async () => {
  await expect(DiffusionPipeline.fromPretrained('owner/missing')).rejects.toMatchObject({
    code: 'ERR_MODEL_NOT_FOUND',
  });
});
