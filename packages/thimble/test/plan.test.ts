import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { runCli } from './support/CliRun.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const cwd = temporaryFolder();
// What the machine is like is measured once, and kept here.
process.env['THIMBLE_CACHE'] = join(cwd, 'cache');
const MB = 2 ** 20;

interface Told {
  readonly limitBytes: number;
  readonly peakBytes: number;
  readonly plugins: readonly string[];
  readonly lines: readonly string[];
  readonly alternatives: readonly { readonly quality: string; readonly fits: boolean }[];
  readonly rungs: readonly { readonly limitBytes: number | null; readonly best: object }[];
}

test('thimble plan tells the plan, its alternatives, and what other amounts of memory are good for', async () => {
  const { code, stdout } = await runMain(['plan', testCheckpoint, '--memory', '256MB', '--svg', 'plan.svg'], { cwd });
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^a picture of 64×64, 50 steps within 256 MB: [\s\S]*\nALTERNATIVES +QUALITY +MEMORY +TIME +FITS\n/,
  );
  expect(stdout).toMatch(/\nWITHIN +FASTEST +QUALITY +MEMORY +TIME\n128 MB[\s\S]*\nno limit /);
  const svg = readFileSync(join(cwd, 'plan.svg'), 'utf8');
  expect(svg).toMatch(/^<svg [\s\S]*64×64, 50 steps[\s\S]*<polyline [\s\S]*<\/svg>$/);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test('--json tells the same to programs', async () => {
  const args = ['plan', testCheckpoint, '--memory', '1GB', '--size', '128x64', '--quality', 'near', '--json'];
  const { stdout } = await runMain(args, { cwd });
  const told = JSON.parse(stdout) as Told;
  expect(told.limitBytes).toBe(1024 * MB);
  expect(told.peakBytes).toBeLessThan(1024 * MB);
  expect(told.lines[0]).toContain('128×64');
  expect(told.alternatives.some(({ quality }) => quality === 'near')).toBe(true);
  expect(told.rungs.at(-1)).toMatchObject({ limitBytes: null, best: { exact: {}, near: {} } });
});

test.each([
  [['plan'], 2, /missing the model to plan for.*ERR_USAGE/],
  [['plan', testCheckpoint, '--quality', 'best'], 2, /exact, near, lossy/],
  [['plan', testCheckpoint, '--memory', 'lots'], 1, /memoryLimit.*ERR_ARGUMENT_INVALID/],
  [['plan', testCheckpoint, '--svg', 'plan.png'], 2, /\.svg/],
  [['plan', testCheckpoint, '--memory', '100MB', '--size', '4096'], 1, /least that would do[\s\S]*ERR_MEMORY_LIMIT/],
])('refuses %j', async (args, exitCode, message) => {
  const { code, stderr } = await runMain(args, { cwd });
  expect([code, stderr.replaceAll('\n', ' ')]).toEqual([exitCode, expect.stringMatching(message)]);
});

test('thimble generate plans within --memory, and keeps the flags of the user', async () => {
  const run = ['generate', 'cat', '-m', testCheckpoint, '--steps', '1', '--seed', '1', '--overwrite'];
  const plain = await runCli([...run, '-o', 'plain.png'], cwd);
  const within = await runCli([...run, '-o', 'within.png', '--memory', '200MB', '--offload', 'model'], cwd);
  expect([plain.code, within]).toEqual([0, expect.objectContaining({ code: 0 })]);
  expect(within.stderr).toMatch(/within 200 MB: [\s\S]*planned around thimble:model-offload/);
  expect(readFileSync(join(cwd, 'within.png'))).toEqual(readFileSync(join(cwd, 'plain.png')));
});
