import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createPlugin } from '../src/index.js';

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-create-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');

test('names everything after the package, and leaves no placeholder', async () => {
  const { files } = await createPlugin({ name: '@ann/thimble-plugin-fast-steps', parent: folder });
  expect(files).toContain('src/FastStepsPlugin.ts');
  expect(readdirSync(join(folder, 'thimble-plugin-fast-steps'))).toContain('.gitignore');
  for (const file of files) expect(read('thimble-plugin-fast-steps', file)).not.toMatch(/__[A-Z]+__/);
  expect(read('thimble-plugin-fast-steps/src/FastStepsPlugin.ts')).toContain("readonly name = 'ann:fast-steps'");
  const manifest = JSON.parse(read('thimble-plugin-fast-steps/package.json')) as Record<string, Record<string, string>>;
  expect(manifest['name']).toBe('@ann/thimble-plugin-fast-steps');
  expect(manifest['peerDependencies']).toEqual({ '@thimble/core': `^${VERSION}` });
  expect(manifest['devDependencies']).toMatchObject({
    '@thimble/core': `^${VERSION}`,
    '@thimble/plugin-testkit': `^${VERSION}`,
  });
});

test('takes packed packages', async () => {
  await createPlugin({
    name: 'x',
    author: 'bob',
    parent: folder,
    core: join(folder, 'core.tgz'),
    testkit: join(folder, 'kit.tgz'),
  });
  const manifest = JSON.parse(read('x/package.json')) as { devDependencies: Record<string, string> };
  expect(manifest.devDependencies).toMatchObject({
    '@thimble/core': `file:${folder}/core.tgz`,
    '@thimble/plugin-testkit': `file:${folder}/kit.tgz`,
  });
  expect(read('x/src/XPlugin.ts')).toContain("readonly name = 'bob:x'");
});

test.each(['Upper', 'a b', '../up', '', '@scope', '.hidden'])('refuses the name %j', async (name) => {
  await expect(createPlugin({ name, parent: folder })).rejects.toThrow(/cannot be the name of a package/);
});

test('touches no folder that holds something', async () => {
  await createPlugin({ name: 'mine', parent: folder });
  writeFileSync(join(folder, 'mine/src/index.ts'), 'precious');
  await expect(createPlugin({ name: 'mine', parent: folder })).rejects.toThrow(/is not empty/);
  expect(read('mine/src/index.ts')).toBe('precious');
});

describe('the command line', () => {
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [CLI, ...args], { cwd: folder, encoding: 'utf8' });

  test('makes the folder and says what to do next', () => {
    const { status, stdout } = run('thimble-plugin-mine', '--author', 'me');
    expect(status).toBe(0);
    expect(stdout).toContain('cd thimble-plugin-mine\n  ONNXRUNTIME_NODE_INSTALL=skip npm install\n  npm test');
  });

  test.each([
    [[], 2],
    [['a', 'b'], 2],
    [['--no-such'], 1],
    [['Bad Name'], 1],
  ])('refuses %j', (args, code) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(code);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('helps', () =>
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--testkit FILE') }));
});
