import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { fixturePath } from '../support/fixturePath.js';

const CORE = new URL('../../dist/index.js', import.meta.url).href;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thimble-telemetry-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Where the home folder cannot be written, the runtime would leave its store where it runs. */
test.each([
  ['in a process of its own', false, 'home'],
  ['inline', true, '/proc/nonexistent'],
])('the runtime writes nothing into the home folder, nor where it runs: %s', (_where, inline, name) => {
  const [home, here] = [join(folder, 'home'), join(folder, 'here')];
  for (const path of [home, here]) mkdirSync(path);
  const script = `
    const { DiffusionPipeline } = await import('${CORE}');
    const pipe = await DiffusionPipeline.fromPretrained('${fixturePath('sd-tiny')}', { deviceOptions: { inline: ${inline}, threads: 1 } });
    await pipe.generate('a cat', { numInferenceSteps: 1, width: 64, height: 64, guidanceScale: 1, outputType: 'latent' });
    await pipe.dispose();`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: here,
    env: { PATH: process.env['PATH'], HOME: resolve(folder, name) },
    encoding: 'utf8',
  });
  expect(`${status} ${stderr}`).toBe('0 ');
  expect([home, here].flatMap((path) => readdirSync(path, { recursive: true, encoding: 'utf8' }))).toEqual([]);
});
