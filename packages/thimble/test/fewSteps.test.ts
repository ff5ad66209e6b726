import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { jsonLines, MODEL } from './support/CliRun.js';
import { readPng } from './support/readPng.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const SDXL = fileURLToPath(new URL('../../core/test/fixtures/sdxl-tiny', import.meta.url));
const folder = temporaryFolder();

test('thimble says which preset it takes, inspect shows it, and --preset switches it off', async () => {
  const model = join(folder, 'sd-turbo');
  await symlink(MODEL, model);
  const args = ['generate', 'a hut', '-m', model, '--size', '64x64', '--seed', '1'];
  const turbo = await runMain([...args, '-o', 'turbo.png'], { cwd: folder });
  expect(turbo.code).toBe(0);
  expect(turbo.stderr).toMatch(/^1 step, guidance 0: preset for sd-turbo$/m);
  expect(turbo.stderr).toMatch(/^step 1\/1: /m);
  const none = await runMain([...args, '--preset', 'none', '--steps', '2', '--json', '-o', 'none.png'], {
    cwd: folder,
  });
  const events = jsonLines(none.stdout);
  expect(events.filter(({ type }) => type === 'preset')).toEqual([]);
  expect(events.filter(({ type }) => type === 'step')).toHaveLength(2);
  const inspected = await runMain(['inspect', model], { cwd: folder });
  expect(inspected.stdout).toMatch(/^picture {4}128×128, 1 step, guidance 0: preset for sd-turbo$/m);
});

test('--preview-vae decodes the previews by a small VAE, in the size of the picture', async () => {
  const taesd = join(MODEL, '../taesd/tiny4');
  const args = ['generate', 'a hut', '-m', MODEL, '--size', '64x64', '--steps', '1', '--seed', '1', '-o', 'hut.png'];
  const { code } = await runMain([...args, '--preview-vae', taesd], { cwd: folder });
  expect(code).toBe(0);
  expect(readPng(join(folder, 'previews/step-001.png'))).toMatchObject({ width: 64, height: 64 });
});

test('--preset names one, and refuses a name that there is not', async () => {
  const args = ['generate', 'a hut', '-m', SDXL, '--size', '64x64', '--seed', '1', '-o', 'lightning.png', '--preset'];
  const { code, stdout } = await runMain([...args, 'sdxl-lightning-2step', '--json'], { cwd: folder });
  expect(code).toBe(0);
  expect(jsonLines(stdout).find(({ type }) => type === 'preset')).toEqual({
    type: 'preset',
    name: 'sdxl-lightning-2step',
    options: { numInferenceSteps: 2, guidanceScale: 0 },
    message: '2 steps, guidance 0, EulerDiscreteScheduler: preset for sdxl-lightning-2step',
  });
  const unknown = await runMain([...args, 'turbo'], { cwd: folder });
  expect([unknown.code === 0, unknown.stderr]).toEqual([false, expect.stringContaining('"none", or one of sd-turbo')]);
});
