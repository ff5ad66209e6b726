import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const TOOL = fileURLToPath(new URL('../../../../tools/check-changesets.mjs', import.meta.url));
const IDENTITY = ['-c', 'user.name=tester', '-c', 'user.email=tester@example.org'];

let folder: string;

/** A repository with two packages, released as they are. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-changesets-'));
  git('init', '--quiet');
  for (const name of ['core', 'plugin-a']) {
    write(`packages/${name}/package.json`, JSON.stringify({ name: `@test/${name}` }));
    write(`packages/${name}/CHANGELOG.md`, '# Changelog\n');
    write(`packages/${name}/src/index.ts`, 'export {};\n');
  }
  write('.changeset/README.md', '---\n"@test/core": minor\n---\n');
  commit();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
const git = (...args: string[]): string =>
  execFileSync('git', [...IDENTITY, ...args], { cwd: folder, encoding: 'utf8' });
function commit(): void {
  git('add', '-A');
  git('commit', '--quiet', '-m', 'a change');
}

function check(): { readonly status: number | null; readonly packages: readonly string[] } {
  const { status, stderr } = spawnSync(process.execPath, [TOOL, folder], { encoding: 'utf8' });
  return { status, packages: [...stderr.matchAll(/^(\S+) has changed since/gm)].map(([, name]) => name as string) };
}

describe('tools/check-changesets.mjs', () => {
  test('has nothing to say of what was released as it is', () => {
    expect(check()).toEqual({ status: 0, packages: [] });
  });

  test.each(['committed', 'changed', 'new'])('names a package with a source that is %s', (how) => {
    write(`packages/core/src/${how === 'new' ? 'other' : 'index'}.ts`, 'export const a = 1;\n');
    if (how === 'committed') commit();
    expect(check()).toEqual({ status: 1, packages: ['@test/core'] });
  });

  test('is content with a changeset that names the package, whoever wrote it', () => {
    write('packages/core/src/index.ts', 'export const a = 1;\n');
    write('packages/plugin-a/src/index.ts', 'export const a = 1;\n');
    write('.changeset/brave-cats-sing.md', "---\n'@test/core': minor\n---\n\nSomething new, not for @test/plugin-a.\n");
    expect(check()).toEqual({ status: 1, packages: ['@test/plugin-a'] });
    write('.changeset/calm-dogs-nap.md', '---\n"@test/plugin-a": patch\n---\n\nToo.\n');
    expect(check()).toEqual({ status: 0, packages: [] });
  });

  test('starts anew where the changelog was written', () => {
    write('packages/core/src/index.ts', 'export const a = 1;\n');
    commit();
    write('packages/core/CHANGELOG.md', '# Changelog\n\n## 0.2.0\n');
    commit();
    expect(check()).toEqual({ status: 0, packages: [] });
  });

  test('does not ask for what users never see', () => {
    write('packages/core/test/a.test.ts', 'export {};\n');
    write('packages/private/package.json', JSON.stringify({ name: '@test/private', private: true }));
    write('packages/private/CHANGELOG.md', '# Changelog\n');
    commit();
    write('packages/private/src/index.ts', 'export {};\n');
    expect(check()).toEqual({ status: 0, packages: [] });
  });
});
