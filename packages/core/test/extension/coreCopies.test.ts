import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { VERSION } from '../../src/version.js';

const CORE = fileURLToPath(new URL('../..', import.meta.url));
const MODEL = join(CORE, 'test/fixtures/sd-tiny');
let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-copies-')));
  for (const copy of ['a', 'b']) {
    mkdirSync(join(folder, copy));
    cpSync(join(CORE, 'dist'), join(folder, copy, 'dist'), { recursive: true });
    cpSync(join(CORE, 'package.json'), join(folder, copy, 'package.json'));
    symlinkSync(join(CORE, 'node_modules'), join(folder, copy, 'node_modules'), 'dir');
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Opens a pipeline with copy a while the others are loaded too, installs a plugin, and says what came of it. */
function use(...others: string[]): string {
  const entry = (copy: string): string => JSON.stringify(join(folder, copy, 'dist/index.js'));
  const script = `${others.map((copy) => `await import(${entry(copy)});`).join('')}
    const { DiffusionPipeline } = await import(${entry('a')});
    const pipe = await DiffusionPipeline.fromPretrained(${JSON.stringify(MODEL)}, { deviceOptions: { inline: true, threads: 1 } });
    await pipe.use({ name: 'test:mine', apply() {} }).then(() => console.log('installed'), (error) => console.log(error.code, error.message));
    await pipe.dispose();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

test('one copy is as it should be, however often it is imported', () => {
  expect(use('a')).toBe('installed\n');
});

test('two copies are named when a plugin is installed', () => {
  const said = use('b');
  expect(said).toMatch(/^ERR_CORE_DUPLICATE plugin "test:mine"/);
  expect(said).toContain(`${folder}/a/ (${VERSION})`);
  expect(said).toContain(`${folder}/b/ (${VERSION})`);
  expect(said).toContain('peerDependencies');
});
