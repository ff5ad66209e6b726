import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const MEGABYTE = 2 ** 20;

// Put together, so that this file does not hold what it looks for.
const MACHINE_PATHS = new RegExp(
  ['wo' + 'rk', 'ro' + 'ot', 'ho' + 'me', 'Us' + 'ers', 'tmp/ba' + 'sh']
    .map((folder) => `(?<![\\w.:~-])/${folder}/`)
    .join('|'),
);
const LEFTOVERS = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);
const REGISTRIES = /https?:\/\/[^/\s'"]*(registry|mirror|artifactory|verdaccio|nexus|pypi)[^/\s'"]*|^\s*tarball:/im;

const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && lstatSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile() === true);

const isText = (content: Buffer): boolean => !content.includes(0);
const texts = files
  .map((file) => ({ file, content: readFileSync(join(ROOT, file)) }))
  .filter(({ content }) => isText(content));

function textsWith(pattern: RegExp, isExempt = (_file: string): boolean => false): string[] {
  return texts
    .filter(({ file, content }) => !isExempt(file) && pattern.test(content.toString('utf8')))
    .map(({ file }) => file);
}

const bytesBelow = (folder: string): number =>
  files.filter((file) => file.startsWith(folder)).reduce((sum, file) => sum + statSync(join(ROOT, file)).size, 0);
const isFixture = (file: string): boolean => file.includes('/fixtures/');
/** A vocabulary has every word. */
const isVocabulary = (file: string): boolean => ['vocab.json', 'merges.txt', 'tokenizer.json'].includes(basename(file));

describe('the files in git', () => {
  test('are all seen', () => {
    expect(files).toContain('package.json');
    expect(texts.length).toBeGreaterThan(200);
  });

  test('name no path of the machine they were written on', () => {
    expect(textsWith(MACHINE_PATHS)).toEqual([]);
  });

  test('name no package registry', () => {
    expect(textsWith(REGISTRIES)).toEqual([]);
    expect(files.filter((file) => basename(file) === '.npmrc')).toEqual([]);
  });

  test('hold no leftovers', () => {
    expect(textsWith(LEFTOVERS, isVocabulary)).toEqual([]);
  });

  test('are small enough to clone', () => {
    expect(files.filter(isFixture).reduce((sum, file) => sum + statSync(join(ROOT, file)).size, 0)).toBeLessThan(
      80 * MEGABYTE,
    );
    expect(bytesBelow('models/demo/')).toBeLessThan(25 * MEGABYTE);
  });

  test('are named after what they hold', () => {
    const shelves = /^(utils?|helpers?|common|misc|shared|constants|types)\.[cm]?[jt]s$/;
    expect(files.filter((file) => shelves.test(basename(file)))).toEqual([]);
  });
});

describe('the sources', () => {
  /** What tells systems apart, or is there on some alone. */
  const SYSTEM = /process\.platform|'(?:win32|darwin|linux)'|['"`]\/(?:proc|sys|dev|bin|var|etc|tmp)\b|O_NONBLOCK/;
  const isComment = (line: string): boolean => /^\s*(?:\/?\*|\/\/)/.test(line);

  test('have what differs between systems in modules of their own, which docs/platforms.md lists', () => {
    const listed = readFileSync(join(ROOT, 'docs/platforms.md'), 'utf8').matchAll(/^\| `([\w/.-]+\.ts)`/gm);
    const found = texts
      .filter(({ file }) => /^packages\/[^/]+\/src\/.*\.ts$/.test(file))
      .filter(({ content }) =>
        content
          .toString('utf8')
          .split('\n')
          .some((line) => !isComment(line) && SYSTEM.test(line)),
      );
    const known = new Set(Array.from(listed, ([, file]) => `packages/${file}`));
    expect(found.map(({ file }) => file).filter((file) => !known.has(file))).toEqual([]);
    expect([...known].filter((file) => !files.includes(file))).toEqual([]);
  });
});

test('whatever names the version of the packages names the one that they have', () => {
  const { status, stderr } = spawnSync(process.execPath, ['tools/version.mjs', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
});

describe('each package', () => {
  const packages = files.flatMap((file) => /^packages\/([^/]+)\/package\.json$/.exec(file)?.[1] ?? []);

  test.each(packages)('%s runs nothing when it is installed', (name) => {
    const { scripts = {} } = JSON.parse(readFileSync(join(ROOT, `packages/${name}/package.json`), 'utf8')) as {
      scripts?: Record<string, string>;
    };
    expect(Object.keys(scripts).filter((script) => /install|^prepare$/.test(script))).toEqual([]);
  });

  test.each(packages)('%s has a licence, a README and a changelog', (name) => {
    for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md']) expect(files).toContain(`packages/${name}/${file}`);
  });

  test.each(packages)('%s is built and type-checked with the others', (name) => {
    const { references } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
      references: { path: string }[];
    };
    expect(references).toContainEqual({ path: `packages/${name}` });
  });

  test.each(packages)("%s has its tests seen by the type checker's and the linter's project", (name) => {
    if (!files.some((file) => file.startsWith(`packages/${name}/test/`))) return;
    expect(files).toContain(`packages/${name}/test/tsconfig.json`);
  });
});
