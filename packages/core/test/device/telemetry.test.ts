import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { fixturePath } from '../support/fixturePath.js';

const CORE = new URL('../../dist/index.js', import.meta.url).href;
/** Without it nobody sees what a process asks the network for. */
const HAS_STRACE = spawnSync('strace', ['-V']).status === 0;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thimble-telemetry-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs a script in `here`. Gives how it ended, and what it asked the network for, name look-ups included. */
function watch(script: string, here: string, home: string): { readonly ended: string; readonly asked: string[] } {
  const log = join(folder, 'strace');
  const strace = ['strace', '-f', '-e', 'trace=connect,sendto,sendmsg,sendmmsg', '-o', log];
  const [program, ...args] = [...(HAS_STRACE ? strace : []), process.execPath, '--input-type=module', '-e', script];
  const env = { PATH: process.env['PATH'], HOME: home };
  const { status, stderr } = spawnSync(program, args, { cwd: here, env, encoding: 'utf8' });
  const calls = HAS_STRACE ? readFileSync(log, 'utf8').split('\n') : [];
  return { ended: `${status} ${stderr}`, asked: calls.filter((call) => /AF_INET|\.com/.test(call)) };
}

/** Where the home folder cannot be written, the runtime would leave its store where it runs. */
test.each([
  ['in a process of its own', false, 'home'],
  ['inline', true, '/proc/nonexistent'],
])('nothing is written into the home folder, nor where it runs, and nobody is asked: %s', (_where, inline, name) => {
  const [home, here] = [join(folder, 'home'), join(folder, 'here')];
  for (const path of [home, here]) mkdirSync(path);
  const script = `
    const { DiffusionPipeline } = await import('${CORE}');
    const pipe = await DiffusionPipeline.fromPretrained('${fixturePath('sd-tiny')}', { deviceOptions: { inline: ${inline}, threads: 1 } });
    await pipe.generate('a cat', { numInferenceSteps: 1, width: 64, height: 64, guidanceScale: 1, outputType: 'latent' });
    await pipe.dispose();`;
  expect(watch(script, here, resolve(folder, name))).toEqual({ ended: '0 ', asked: [] });
  expect([home, here].flatMap((path) => readdirSync(path, { recursive: true, encoding: 'utf8' }))).toEqual([]);
});

(HAS_STRACE ? test : test.skip)('a name that is looked up would be seen', () => {
  const script = "await (await import('node:dns/promises')).lookup('nowhere.invalid').catch(() => undefined);";
  const { ended, asked } = watch(script, folder, folder);
  expect(ended).toBe('0 ');
  expect(asked).not.toEqual([]);
});
